export function query_datasource(ptr: usize, len: i32): i64 {
  return answer(ptr, len, plugin.query);
}
