package cluster

// KindDelivered is for tests that look into messages.
const KindDelivered = byte(kindDelivered)

// KindPart is another.
const KindPart = byte(kindPart)
