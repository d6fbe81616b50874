; C.7  collatz
; law: steps from n to 1
; halve what is even, triple and add one to what is odd; a count, so the gradient is 0
; inputs:
;   n in [1, 1000000] integer
(do ((k n (if (= (modulo k 2) 0) (/ k 2) (+ (* 3 k) 1)))
     (steps 0 (+ steps 1)))
    ((= k 1) steps))
