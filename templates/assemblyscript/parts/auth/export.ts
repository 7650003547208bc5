export function authenticate(ptr: usize, len: i32): i64 {
  return answer(ptr, len, plugin.authenticate);
}
