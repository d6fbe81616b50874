"""Makes the array files that the tests of nc_arrays read. NumPy wrote them, so they check our reader."""

import numpy as np

base = np.array([[0, 1, 2], [3, 100, 5], [6, 7, 8], [9, 10, 127]], dtype=np.float64)


def save(name, array, **options):
    np.save(f"{name}.npy", array, **options)


for dtype in ["<f8", ">f8", "<f4", ">f4", "<f2", "i1", "u1", "<i2", ">i2", "<u4", ">i4", "<i8", ">u8"]:
    save("plain_" + dtype.replace("<", "little_").replace(">", "big_"), base.astype(dtype))
save("plain_bool", base > 5)
save("column_order", np.asfortranarray(base))
save("column_order_i4", np.asfortranarray(base.astype("<i4")))
save("one_column", base[:, 1].copy())
save("matrices", np.arange(24.0).reshape(4, 2, 3))
save("matrices_column_order", np.asfortranarray(np.arange(24.0).reshape(4, 2, 3)))
save("matrices_column_order_big", np.asfortranarray(np.arange(24.0).reshape(4, 2, 3)).astype(">f8"))
save("no_rows", np.zeros((0, 3)))
save("single_number", np.float64(3.0))
save("special", np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]))
save("halves", np.array([0.0, -0.0, 6e-8, 1.5, -2.0, 65504.0, np.inf, np.nan], dtype="<f2"))
save("large_integers", np.array([2**53, -(2**53), 2**60, 2**53 + 2], dtype="<i8"))
save("inexact_integers", np.array([[1, 2], [3, 2**53 + 1]], dtype="<i8"))
save("inexact_unsigned", np.array([2**64 - 1], dtype="<u8"))
save("objects", np.array([1, "a"], dtype=object), allow_pickle=True)
save("complex", np.array([1j]))
save("text", np.array(["abc"]))
save("dates", np.array(["2020-01-01"], dtype="M8[D]"))

records = np.zeros(4, dtype=[("m", "<f8"), ("r", "<f8", (3,)), ("A", "<f8", (2, 2))])
records["m"] = base[:, 0]
records["r"] = base
records["A"] = np.arange(16.0).reshape(4, 2, 2)
save("records", records)
mixed = np.zeros(4, dtype=np.dtype([("flag", "?"), ("m", ">f8"), ("r", "<f4", (3,)), ("n", "<i2")], align=True))
mixed["flag"] = base[:, 0] > 4
mixed["m"] = base[:, 0]
mixed["r"] = base
mixed["n"] = -base[:, 2]
save("records_mixed", mixed)
save("records_nested", np.zeros(2, dtype=[("a", [("b", "<f8")])]))
save("records_2d", np.zeros((2, 2), dtype=[("a", "<f8")]))

named = {"m": base[:, 0], "r": base.astype("<f4"), "A": np.asfortranarray(np.arange(16.0).reshape(4, 2, 2))}
np.savez("named.npz", **named)
np.savez_compressed("named_compressed.npz", **named)
np.savez("unequal.npz", a=np.zeros(3), b=np.zeros(4))
np.savez("records_inside.npz", a=records)
