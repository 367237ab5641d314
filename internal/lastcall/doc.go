// Package lastcall ends a server so that nobody who has reached it is turned away.
//
// The system completes connections before a program accepts them. If the listener closes
// in between, they are reset, with the requests that they have brought; and a load balancer that
// has sent a POST does not send it again.
package lastcall
