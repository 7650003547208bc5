EXPORT(template_functions) uint64_t export_functions(const char *at, size_t length) { return envelope(at, length, functions); }
EXPORT(template_function) uint64_t export_execute(const char *at, size_t length) { return envelope(at, length, execute); }
