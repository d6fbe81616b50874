; L.12  mass-action
; law: x such that x**2 = K*(C-x)
; concentration of the ions of a weak acid: the root of the law of mass action, in the form that does not cancel
; inputs:
;   K in [1e-8, 1e-2] log
;   C in [1e-4, 1] log
; trainable: K
(/ (* 2 K C) (+ K (sqrt (* K (+ K (* 4 C))))))
