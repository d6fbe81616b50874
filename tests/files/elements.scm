;; Only the element that is used.
(ref [(sqrt x) y] 1)
; both: x=0 y=2 => x=0 y=1

;; By branch.
(let ((v [(sqrt x) y])) (if (> x 0) (ref v 0) (ref v 1)))
; both: x=0 y=2 => x=0 y=1

;; Of a selected vector.
(ref (if (> x 0) [(sqrt x) 1] [2 y]) 1)
; both: x=0 y=2 => x=0 y=1

;; Of two elements.
[(if (> x 0) (sqrt x) 0) (* x y)]
; both: x=0 y=2 => 0:x=0 0:y=0 1:x=2 1:y=0

;; Of a length.
(norm [(if (> x 0) (sqrt x) 0) y])
; both: x=0 y=3 => x=0 y=1

;; Of a vector that is not taken.
(vsum (if (> x 0) (/ w x) w))
; both: x=0 w=[2 3] => x=0 w=[1 1]

;; Of a scaled vector.
(ref (scale s [y (/ 1 x)]) 0)
; both: x=0 y=2 s=5 => s=2 y=5 x=0

;; Of a shifted vector.
(ref (+ s [y (sqrt x)]) 0)
; both: x=0 y=2 s=5 => s=1 y=1 x=0

;; Of a cross product.
(ref (cross [1 2 (log x)] [y z 1]) 2)
; both: x=0 y=2 z=5 => x=0 y=-2 z=1

;; Wherever else the vector goes.
(let ((v [(sqrt x) y])) (+ (ref v 1) (if (> x 0) (norm v) 0)))
; both: x=0 y=2 => x=0 y=1

;; Into a scalar product too.
(let ((v [(sqrt x) y])) (+ (ref v 1) (if (> x 0) (dot v v) 0)))
; both: x=0 y=2 => x=0 y=1

;; An index that is known, or is not.
(ref (sqrt w) 0)
; both: w=[1 0] => w=[0.5 0]

;; An index that is known, or is not.
(ref (/ 1 w) 0)
; both: w=[1 0] => w=[-1 0]

;; An index that is known, or is not.
(ref (* w (log w)) 0)
; both: w=[1 0] => w=[1 0]

;; An index that is known, or is not.
(ref (scale 3 (sqrt w)) 0)
; both: w=[1 0] => w=[1.5 0]

;; An index that is known, or is not.
(ref (sqrt w) i)
; both: w=[1 0] i=0 => w=[0.5 0] i=0

;; An index that is known, or is not.
(ref (/ 1 w) i)
; both: w=[1 0] i=0 => w=[-1 0] i=0

;; An index that is known, or is not.
(ref (* w (log w)) i)
; both: w=[1 0] i=0 => w=[1 0] i=0

;; An index that is known, or is not.
(ref (scale 3 (sqrt w)) i)
; both: w=[1 0] i=0 => w=[1.5 0] i=0
