package lastcall

import (
	"net"
	"os"
	"syscall"
)

// newcomers drops the first packet of a connection (SYN and no ACK, of the flags in byte 13
// of its header) and lets all others pass, such as the one that completes it.
var newcomers = []syscall.SockFilter{
	{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: 13},
	{Code: syscall.BPF_ALU | syscall.BPF_AND | syscall.BPF_K, K: 0x12},
	{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: 0x02, Jf: 1},
	{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},
	{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xffffffff},
}

// deafen lets the system overlook new connections.
func (l *Listener) deafen() error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		//lint:ignore SA1019 what is recommended instead makes filters, and can't attach them
		refused = syscall.AttachLsf(int(fd), newcomers)
	})
	if err != nil {
		return err
	}
	return refused
}

// next returns a connection that waits to be accepted, nil if there is none.
func (l *Listener) next() net.Conn {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil
	}
	var conn net.Conn
	_ = raw.Control(func(listener uintptr) { // fails if it is closed
		for conn == nil && err == nil {
			conn, err = accept(int(listener))
		}
	})
	return conn
}

// accept does not wait. Without an error, one that is nil was broken off.
func accept(listener int) (net.Conn, error) {
	fd, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	switch err {
	case nil:
	case syscall.EINTR, syscall.ECONNABORTED:
		return nil, nil
	default:
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "tcp")
	defer file.Close() // the connection has a descriptor of its own
	return net.FileConn(file)
}
