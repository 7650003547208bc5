export function generate_response(ptr: usize, len: i32): i64 {
  return answer(ptr, len, plugin.generate);
}
