// Tests that run natively: `make test`. What the host gives they say themselves.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mockforge.h"

static const char *config = "{}";
static mf_text logged;

void mf_log(const char *level, mf_text text) {
  (void)level;
  logged = text;
}

yyjson_val *mf_config(void) { return yyjson_doc_get_root(yyjson_read(config, strlen(config), YYJSON_READ_NOFLAG)); }

// The answer to a request as JSON, or the text of the plugin's error.
static mf_text ask(mf_answer (*call)(yyjson_val *, yyjson_mut_doc *), const char *request) {
  yyjson_doc *doc = yyjson_read(request, strlen(request), YYJSON_READ_NOFLAG);
  mf_answer answer = call(yyjson_doc_get_root(doc), yyjson_mut_doc_new(NULL));
  return answer.result ? mf_write(answer.result) : answer.error;
}

static void expect(mf_text found, const char *expected) {
  if (mf_is(found, expected)) return;
  fprintf(stderr, "expected: %s\nfound:    %.*s\n", expected, (int)found.length, found.at);
  exit(1);
}

int main(void) {
{% for type in types %}
{% include "c/parts/" ~ type ~ "/test.c" %}

{% endfor %}
  puts("all tests passed");
  return 0;
}
