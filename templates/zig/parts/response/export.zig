    mockforge.exportCall("generate_response", generate);
