EXPORT(generate_response) uint64_t export_generate(const char *at, size_t length) { return envelope(at, length, generate); }
