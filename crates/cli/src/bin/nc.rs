//! The command `nc`.

fn main() -> ! {
    nc_cli::main()
}
