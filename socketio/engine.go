package socketio

import "github.com/damso/damso/engineio"

// Engine returns the Engine.IO server beneath (io.engine of socket.io), for what brings
// it sessions by other ways than HTTP, such as package engineio/webtransport.
func (s *Server) Engine() *engineio.Server { return s.engine }
