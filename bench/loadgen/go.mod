module bench/loadgen

go 1.26
