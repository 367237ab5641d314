// Package nats joins the nodes of a cluster over core NATS. Only nodes of this project
// take part: servers of Node.js speak no such thing.
//
// What it needs of NATS is plain PUB/SUB: no JetStream, no permissions beyond
// publishing to and subscribing to the subjects that begin with [Options.Prefix].
//
//	<prefix>.ns.<22 characters>   what a namespace publishes and asks; the name's hash
//	<prefix>.node.<id>            what is for one node: answers, messages
//	<prefix>.all                  what is for all nodes: signs of life, messages
//
// A node gives a sign of life every [members.Interval]; one that is silent for
// [members.Expiry] is gone. The signs tell which namespaces the node has open, so that
// who asks knows who is to answer.
//
// Each node has one connection, and order is kept per publisher, over all subjects.
// Nothing is kept for later: what is published while there is no connection is lost,
// and so is what a node is too slow to take, which is counted.
package nats
