module bench/floor-go

go 1.26
