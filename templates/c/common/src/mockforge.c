#include "mockforge.h"

#include <stdlib.h>
#include <string.h>

mf_text mf_text_of(yyjson_val *value) {
  const char *at = yyjson_get_str(value);
  return at ? (mf_text){at, yyjson_get_len(value)} : MF_TEXT("");
}

bool mf_is(mf_text text, const char *literal) {
  return text.length == strlen(literal) && memcmp(text.at, literal, text.length) == 0;
}

bool mf_contains(mf_text text, mf_text part) {
  for (size_t at = 0; at + part.length <= text.length; at++) {
    if (memcmp(text.at + at, part.at, part.length) == 0) return true;
  }
  return false;
}

mf_text mf_join_all(const mf_text *texts, size_t count) {
  size_t length = 0;
  for (size_t one = 0; one < count; one++) length += texts[one].length;
  char *bytes = malloc(length + 1), *to = bytes;
  for (size_t one = 0; one < count; one++) {
    memcpy(to, texts[one].at, texts[one].length);
    to += texts[one].length;
  }
  return (mf_text){bytes, length};
}

mf_answer mf_ok(yyjson_mut_val *result) { return (mf_answer){result, {0}}; }

mf_answer mf_fail(mf_text error) { return (mf_answer){NULL, error}; }

yyjson_mut_val *mf_string(yyjson_mut_doc *out, mf_text text) { return yyjson_mut_strn(out, text.at, text.length); }

yyjson_mut_val *mf_base64(yyjson_mut_doc *out, mf_text bytes) {
  static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t length = (bytes.length + 2) / 3 * 4;
  char *encoded = malloc(length + 1), *to = encoded;
  for (size_t at = 0; at < bytes.length; at += 3) {
    size_t left = bytes.length - at;
    const uint8_t *from = (const uint8_t *)bytes.at + at;
    uint32_t three = (uint32_t)from[0] << 16 | (left > 1 ? (uint32_t)from[1] << 8 : 0) | (left > 2 ? from[2] : 0);
    for (size_t digit = 0; digit < 4; digit++) *to++ = digit <= left ? DIGITS[three >> (18 - 6 * digit) & 63] : '=';
  }
  return yyjson_mut_strn(out, encoded, length);
}

mf_text mf_write(yyjson_mut_val *value) {
  mf_text json = {0};
  json.at = yyjson_mut_val_write(value, YYJSON_WRITE_NOFLAG, &json.length);
  return json;
}

// The rest is the module's way out; the tests have a host of their own.
#ifdef __wasm__

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(name) __attribute__((import_module("mockforge"), import_name(#name)))

IMPORT(log) extern void import_log(const char *at, size_t length);
IMPORT(config) extern uint64_t import_config(void);
IMPORT(now_ms) extern int64_t import_now_ms(void);
IMPORT(random) extern void import_random(void *at, size_t length);
IMPORT(asset) extern uint64_t import_asset(const char *at, size_t length);
IMPORT(call) extern uint64_t import_call(const char *at, size_t length);
IMPORT(http_request) extern uint64_t import_http_request(const char *at, size_t length);

// A number that's too long for 64 bits stays the text that it was.
static const yyjson_read_flag FLAGS = YYJSON_READ_BIGNUM_AS_RAW;

// Pointer in the high half, length in the low.
static uint64_t pack(mf_text bytes) { return (uint64_t)(uintptr_t)bytes.at << 32 | bytes.length; }

static mf_text unpack(uint64_t packed) { return (mf_text){(const char *)(uintptr_t)(packed >> 32), (uint32_t)packed}; }

EXPORT(mockforge_abi) int mockforge_abi(void) { return 1; }

EXPORT(alloc) void *mockforge_alloc(size_t length) { return malloc(length ? length : 1); }

EXPORT(dealloc) void mockforge_dealloc(void *at, size_t length) {
  (void)length;
  free(at);
}

static uint64_t envelope(const char *at, size_t length, mf_answer (*call)(yyjson_val *, yyjson_mut_doc *)) {
  yyjson_doc *request = yyjson_read(at, length, FLAGS);
  yyjson_mut_doc *out = yyjson_mut_doc_new(NULL);
  yyjson_mut_val *root = yyjson_mut_obj(out);
  mf_answer made = request ? call(yyjson_doc_get_root(request), out) : mf_fail(MF_TEXT("the request isn't JSON"));
  yyjson_mut_obj_add_bool(out, root, "success", made.result != NULL);
  if (made.result) {
    yyjson_mut_obj_add_val(out, root, "result", made.result);
  } else {
    yyjson_mut_obj_add_val(out, root, "error", mf_string(out, made.error));
  }
  return pack(mf_write(root));
}

{% for type in types %}
{% include "c/parts/" ~ type ~ "/export.c" %}
{% endfor %}

void mf_log(const char *level, mf_text text) {
  yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
  yyjson_mut_val *root = yyjson_mut_obj(doc);
  yyjson_mut_obj_add_str(doc, root, "level", level);
  yyjson_mut_obj_add_val(doc, root, "text", mf_string(doc, text));
  mf_text json = mf_write(root);
  import_log(json.at, json.length);
}

yyjson_val *mf_config(void) {
  mf_text json = unpack(import_config());
  return yyjson_doc_get_root(yyjson_read(json.at, json.length, FLAGS));
}

int64_t mf_now_ms(void) { return import_now_ms(); }

void mf_random(void *bytes, size_t length) { import_random(bytes, length); }

// The host's envelope.
static mf_answer opened(uint64_t packed, yyjson_mut_doc *out) {
  mf_text json = unpack(packed);
  yyjson_val *root = yyjson_doc_get_root(yyjson_read(json.at, json.length, FLAGS));
  if (yyjson_get_bool(yyjson_obj_get(root, "success"))) {
    return mf_ok(yyjson_val_mut_copy(out, yyjson_obj_get(root, "result")));
  }
  return mf_fail(mf_text_of(yyjson_obj_get(root, "error")));
}

mf_answer mf_asset(mf_text path, yyjson_mut_doc *out) { return opened(import_asset(path.at, path.length), out); }

mf_answer mf_call(mf_text dependency, mf_text call, yyjson_mut_val *request, yyjson_mut_doc *out) {
  yyjson_mut_val *root = yyjson_mut_obj(out);
  yyjson_mut_obj_add_val(out, root, "dependency", mf_string(out, dependency));
  yyjson_mut_obj_add_val(out, root, "call", mf_string(out, call));
  yyjson_mut_obj_add_val(out, root, "request", request);
  mf_text json = mf_write(root);
  return opened(import_call(json.at, json.length), out);
}

mf_answer mf_http(yyjson_mut_val *request, yyjson_mut_doc *out) {
  mf_text json = mf_write(request);
  return opened(import_http_request(json.at, json.length), out);
}

#endif
