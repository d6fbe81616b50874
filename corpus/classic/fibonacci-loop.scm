; C.9  fibonacci-loop
; law: F(n)
; two neighbours at a time; linear in the first two
; inputs:
;   n in [0, 70] integer
;   zero in [-2, 2]
;   one in [-2, 2]
(do ((i 0 (+ i 1))
     (a zero b)
     (b one (+ a b)))
    ((>= i n) a))
