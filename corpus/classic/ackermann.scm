; C.10  ackermann
; law: A(m,n)
; a call in the operand of a tail call
; inputs:
;   m in [0, 2] integer
;   n in [0, 3] integer
(define (ack m n)
  (cond ((= m 0) (+ n 1))
        ((= n 0) (ack (- m 1) 1))
        (else (ack (- m 1) (ack m (- n 1))))))
(ack m n)
