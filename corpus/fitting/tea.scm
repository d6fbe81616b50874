; Newton's law of cooling: a cup of tea in a room.
(+ room (* (- start room) (exp (* (- rate) minutes))))
