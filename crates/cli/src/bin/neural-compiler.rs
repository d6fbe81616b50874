//! The command `nc` by another name, where netcat has that one.

fn main() -> ! {
    nc_cli::main()
}
