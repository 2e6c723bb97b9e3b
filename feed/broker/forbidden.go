package broker

// Forbidden reports whether the server did not permit something since it was last asked. It does not answer what it forbids.
func (c *Connection) Forbidden() bool { return c.wasForbidden() }
