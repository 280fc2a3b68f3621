"""Media engines behind one interface: plain data in and out."""
