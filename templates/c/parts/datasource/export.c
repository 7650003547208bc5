EXPORT(query_datasource) uint64_t export_query(const char *at, size_t length) { return envelope(at, length, query); }
