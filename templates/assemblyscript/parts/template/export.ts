export function template_functions(ptr: usize, len: i32): i64 {
  return answer(ptr, len, plugin.functions);
}

export function template_function(ptr: usize, len: i32): i64 {
  return answer(ptr, len, plugin.execute);
}
