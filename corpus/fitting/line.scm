; A line, for comparison.
(+ a (* b minutes))
