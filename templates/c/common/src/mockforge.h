// json/1 for C: memory, envelopes, what the host gives. JSON is yyjson's (vendor/yyjson).
//
// Each call has a fresh instance of the module, so that nothing need be freed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "yyjson.h"

// Bytes that aren't ended by NUL: a text may have NULs in it.
typedef struct {
  const char *at;
  size_t length;
} mf_text;

#define MF_TEXT(literal) ((mf_text){(literal), sizeof(literal) - 1})

// A JSON string; empty if it's something else, or isn't there.
mf_text mf_text_of(yyjson_val *value);
bool mf_is(mf_text text, const char *literal);
bool mf_contains(mf_text text, mf_text part);

// Several texts in one: mf_join(MF_TEXT("Hello, "), name).
#define mf_join(...) mf_join_all((mf_text[]){__VA_ARGS__}, sizeof((mf_text[]){__VA_ARGS__}) / sizeof(mf_text))
mf_text mf_join_all(const mf_text *texts, size_t count);

// What a call made: a value of `out`, or the plugin's own error.
typedef struct {
  yyjson_mut_val *result;
  mf_text error;
} mf_answer;

mf_answer mf_ok(yyjson_mut_val *result);
mf_answer mf_fail(mf_text error);

// Values of `out`. A text in base64 is how JSON has bytes.
yyjson_mut_val *mf_string(yyjson_mut_doc *out, mf_text text);
yyjson_mut_val *mf_base64(yyjson_mut_doc *out, mf_text bytes);
// The JSON text of a value of `out`.
mf_text mf_write(yyjson_mut_val *value);

// The calls, which are the plugin's own. `out` is where the result is made.
{% for type in types %}
{% include "c/parts/" ~ type ~ "/declare.h" %}
{% endfor %}

// A line for the host's log; the level is trace, debug, info, warn or error.
void mf_log(const char *level, mf_text text);
// The configuration, which the host checked against the schema of plugin.yaml.
yyjson_val *mf_config(void);
// Milliseconds since 1970.
int64_t mf_now_ms(void);
void mf_random(void *bytes, size_t length);
// A file of the package (`plugin.include`), in base64.
mf_answer mf_asset(mf_text path, yyjson_mut_doc *out);
// What a dependency answers. It's declared in plugin.yaml.
mf_answer mf_call(mf_text dependency, mf_text call, yyjson_mut_val *request, yyjson_mut_doc *out);
// A server's {"status","headers","body"} to {"method","url","headers","body"}, with bodies in base64. Only hosts of plugin.yaml's
// capabilities that were approved answer.
mf_answer mf_http(yyjson_mut_val *request, yyjson_mut_doc *out);
