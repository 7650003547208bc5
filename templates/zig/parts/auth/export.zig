    mockforge.exportCall("authenticate", authenticate);
