// Command damso is a chat server, one node or several: see "damso --help".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/damso/damso/internal/settings"
)

// commands are what the program can be told to do.
type commands struct {
	Serve     serveCmd     `cmd:"" help:"Serve one node. With REDIS_HOST it is one of many; without, it is alone."`
	Dev       devCmd       `cmd:"" help:"Serve two nodes, on ports 3000 and 3001, over a broker of their own or the Redis of REDIS_HOST."`
	Drain     drainCmd     `cmd:"" help:"Send the clients of the node with this ADMIN_PORT to other nodes, one after the other, and let it take no more."`
	Rebalance rebalanceCmd `cmd:"" help:"Send as many clients to other nodes as the node with this ADMIN_PORT has more than the mean."`
	Doctor    doctorCmd    `cmd:"" help:"Examine a Socket.IO server as its clients meet it, and say what is wrong and what to do."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// An app is what a command works with.
type app struct {
	out, errOut io.Writer
	environ     []string
	log         *slog.Logger
	settings    settings.Settings
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is main without the process around it. It returns the exit status: 0 when
// all went well, 1 when something failed or the doctor has findings, 2 when the
// command or the settings can't be meant.
func run(ctx context.Context, args, environ []string, out, errOut io.Writer) int {
	var c commands
	exit := -1
	parser := kong.Must(&c, kong.Name("damso"),
		kong.Description("Damso, a chat that scales out: Socket.IO for any number of nodes.\n\nSettings come from the environment and from .env: NODE_PORT, NODE_ID, REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD, REDIS_TLS, LOG_LEVEL, STATIC_DIR, CORS_ORIGIN, ADMIN_PORT."),
		kong.Writers(out, errOut), kong.Exit(func(status int) { exit = status }), kong.UsageOnError())
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	switch {
	case exit >= 0: // help was asked for, and given
		return exit
	case err != nil:
		fmt.Fprintf(errOut, "damso: %v (see \"damso --help\")\n", err)
		return 2
	}
	a := &app{out: out, errOut: errOut, environ: environ}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(a)
	if faults := (settings.Faults)(nil); errors.As(err, &faults) {
		fmt.Fprintln(errOut, "damso: the settings have faults:")
		for _, f := range faults {
			fmt.Fprintln(errOut, "  "+f.Error())
		}
		return 2
	}
	if status := exitStatus(0); errors.As(err, &status) {
		return int(status)
	}
	if err != nil {
		fmt.Fprintln(errOut, "damso:", err)
		return 1
	}
	return 0
}

// configure reads the settings and opens the log.
func (a *app) configure() error {
	s, err := settings.Load(a.environ, ".env")
	if err != nil {
		return err
	}
	a.settings = s
	a.log = slog.New(slog.NewTextHandler(a.errOut, &slog.HandlerOptions{Level: s.LogLevel}))
	return nil
}
