package engineio

// Size is about what the message takes in memory, in bytes, as it counts for
// [Options.MaxBuffer]. Formats that few sessions want are not in it.
func (m *Message) Size() int { return m.size }
