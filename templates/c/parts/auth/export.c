EXPORT(authenticate) uint64_t export_authenticate(const char *at, size_t length) { return envelope(at, length, authenticate); }
