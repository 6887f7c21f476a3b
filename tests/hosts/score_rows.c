/* A host in C89: see README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fmscore.h"

typedef struct host {
  fms_model* model;
  fms_slot* slot;
  fms_context* context;
} host;

static int fail(void) {
  fprintf(stderr, "%s\n", fms_last_error());
  return 1;
}

static int cut(const char* path) {
  fprintf(stderr, "%s: cut\n", path);
  return 2;
}

/* The whole file with a NUL behind it, or NULL. */
static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  char* bytes = NULL;
  long end = -1;
  if (file == NULL) return NULL;
  if (fseek(file, 0, SEEK_END) == 0) end = ftell(file);
  if (end >= 0 && fseek(file, 0, SEEK_SET) == 0) bytes = malloc((size_t)end + 1);
  if (bytes != NULL && fread(bytes, 1, (size_t)end, file) != (size_t)end) {
    free(bytes);
    bytes = NULL;
  }
  fclose(file);
  if (bytes != NULL) {
    *size = (size_t)end;
    bytes[end] = '\0';
  }
  return bytes;
}

/* An aligned copy of `count` elements at *at, which steps over them; NULL: the file is cut. */
static void* take(const char** at, const char* end, uint64_t count, size_t width) {
  void* copy;
  if (count > (uint64_t)(end - *at) / width) return NULL;
  copy = malloc((size_t)count * width + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, *at, (size_t)count * width);
  *at += count * width;
  return copy;
}

static int read_csr(const char* bytes, size_t size, fms_rows* user, fms_rows* items) {
  static uint64_t user_ptr[2];
  const char* at = bytes;
  const char* end = bytes + size;
  uint64_t* counts = take(&at, end, 3, 8);
  if (counts == NULL) return 0;
  user_ptr[1] = counts[1];
  user->rows = counts[1] > 0;
  user->row_ptr = user_ptr;
  user->ids = take(&at, end, counts[1], 8);
  user->x = take(&at, end, counts[1], 4);
  items->rows = counts[0];
  items->row_ptr = take(&at, end, counts[0] + 1, 8);
  items->ids = take(&at, end, counts[2], 8);
  items->x = take(&at, end, counts[2], 4);
  free(counts);
  return user->ids != NULL && user->x != NULL && items->row_ptr != NULL && items->ids != NULL &&
         items->x != NULL && at == end;
}

/* Lines: the user, then the items. */
static int read_json(const char* bytes, size_t size, fms_rows* user, fms_rows* items) {
  uint64_t lines = 0, line = 0;
  size_t i;
  uint64_t* begins;
  for (i = 0; i < size; ++i) lines += bytes[i] == '\n';
  begins = malloc((size_t)(lines + 1) * sizeof(*begins));
  if (lines == 0 || bytes[size - 1] != '\n' || begins == NULL) return 0;
  begins[0] = 0;
  for (i = 0; i < size; ++i) {
    if (bytes[i] == '\n') begins[++line] = i + 1;
  }
  user->form = items->form = FMS_ROWS_JSON;
  user->text = items->text = bytes;
  user->text_ptr = begins;
  user->rows = begins[1] > 1;
  items->text_ptr = begins + 1;
  items->rows = lines - 1;
  return 1;
}

static int open_host(host* h, const char* path) {
  if (fms_model_open(path, NULL, &h->model) != FMS_OK) return 0;
  if (fms_slot_create(NULL, &h->slot) != FMS_OK) return 0;
  if (fms_slot_publish(h->slot, h->model) != FMS_OK) return 0;
  return fms_context_create(h->slot, NULL, &h->context) == FMS_OK;
}

static int score(host* h, const fms_rows* user, const fms_rows* items, const char* path) {
  const size_t count = (size_t)items->rows;
  float* scores = calloc(count + 1, sizeof(*scores));
  uint8_t* status = calloc(count + 1, 1);
  FILE* file = fopen(path, "wb");
  int ok = scores != NULL && status != NULL && file != NULL;
  if (!ok) return 2;
  if (fms_request_begin(h->context, user->rows > 0 ? user : NULL) != FMS_OK) return fail();
  if (fms_score(h->context, items, 0, scores, status, NULL) != FMS_OK) return fail();
  if (fms_request_end(h->context) != FMS_OK) return fail();
  ok = fwrite(scores, sizeof(*scores), count, file) == count &&
       fwrite(status, 1, count, file) == count;
  ok = fclose(file) == 0 && ok;
  free(scores);
  free(status);
  return ok ? 0 : 1;
}

int main(int argc, char** argv) {
  host h;
  fms_rows user, items;
  char* bytes;
  size_t size = 0;
  int is_json, code;
  if (argc != 5 || (strcmp(argv[2], "csr") != 0 && strcmp(argv[2], "json") != 0)) return 2;
  is_json = strcmp(argv[2], "json") == 0;
  if (fms_abi_version() >> 16 != FMS_ABI_MAJOR) return 2;

  FMS_INIT(user);
  FMS_INIT(items);
  bytes = read_file(argv[3], &size);
  if (bytes == NULL) return cut(argv[3]);
  if (!(is_json ? read_json : read_csr)(bytes, size, &user, &items)) return cut(argv[3]);

  memset(&h, 0, sizeof(h));
  code = open_host(&h, argv[1]) ? score(&h, &user, &items, argv[4]) : fail();
  if (h.context != NULL) fms_context_destroy(h.context);
  if (h.slot != NULL) fms_slot_destroy(h.slot);
  if (h.model != NULL) fms_model_release(h.model);
  free(bytes);
  return code;
}
