package emitter_test

import (
	"context"
	"fmt"
	"log"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/damso/damso/emitter"
)

// A worker tells those who watch an order that it is on its way.
func Example() {
	broker, err := miniredis.Run() // Redis, where there is one
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{broker.Addr()}, DisableCache: true, AlwaysRESP2: true})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	io := emitter.New(client, emitter.Options{})
	orders := io.Of("/orders")
	err = orders.To("order:42").Emit(context.Background(), "sent", map[string]string{"with": "우체국"})
	fmt.Println(err)
	// Output: <nil>
}
