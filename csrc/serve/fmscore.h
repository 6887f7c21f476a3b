/* libfmscore: scores fmtrain's models inside a server. ABI 1, C89.
 *
 *   model    a serving file (`fmtrain export MODEL --to serving`), mapped; immutable, reference
 *            counted, shared by all threads
 *   slot     the place where the current model hangs; publishing another one is one exchange
 *   context  the scratch memory of one thread
 *   request  begin (takes the user's side once and holds the model), score (any number of times),
 *            end
 *
 * Every function returns a code: FMS_OK, FMS_PARTIAL, or an error below 0, whose message
 * fms_last_error() has until the thread's next error. No function prints, ends the process, lets an
 * exception out or starts a thread. From fms_request_begin to fms_request_end there is no lock,
 * and memory is asked for only where a row is larger than all that the context has seen, and by its
 * first raw rows on a new model.
 *
 * A struct begins with its size: set struct_size = sizeof of it and clear the rest (FMS_INIT).
 * Later versions add members at the end, which an older host's size leaves out.
 *
 * Sizes and counts are numbers of elements unless they say bytes. Pointers that may be NULL say so.
 */
#ifndef FMSCORE_H
#define FMSCORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FMS_ABI_MAJOR 1
#define FMS_ABI_MINOR 0

/* Clears a struct and sets its size. */
#define FMS_INIT(s) (fms_clear(&(s), sizeof(s)))

/* ---- codes ---- */

#define FMS_OK 0
#define FMS_PARTIAL 1      /* the deadline came first: *done items were scored */
#define FMS_EINVAL (-1)    /* an argument: a null pointer, a row_ptr that falls, a struct_size */
#define FMS_EIO (-2)       /* a file cannot be opened, read, written */
#define FMS_EFORMAT (-3)   /* no serving file, or a cut or damaged one */
#define FMS_EVERSION (-4)  /* a file or an ABI newer than this library */
#define FMS_ECHECKSUM (-5) /* the md5 given is not the file's */
#define FMS_ENOMEM (-6)
#define FMS_ENOMODEL (-7)  /* nothing was published yet */
#define FMS_ESELFTEST (-8) /* golden rows score otherwise here than where the file was made */
#define FMS_ESTATE (-9) /* not now: no request, or one already; a slot that is gone; unverified */
#define FMS_ENOTFOUND (-10) /* no such request, or it is too old */

/* Of one item. */
#define FMS_ITEM_OK 0
#define FMS_ITEM_NOT_SCORED 1 /* behind the deadline: its score is not written */
#define FMS_ITEM_NONFINITE 2  /* an x or the score is not finite: the score is the model's prior */
#define FMS_ITEM_BAD 3 /* a raw row that cannot be encoded (fms_last_error): the prior as well */

/* ---- the library ---- */

/* major << 16 | minor. A host checks that major is its FMS_ABI_MAJOR and minor at least its own. */
uint32_t fms_abi_version(void);
/* "fmscore 0.1.0 avx512"; static. */
const char* fms_build_info(void);
/* What a code means; static. */
const char* fms_strerror(int32_t code);
/* The message of this thread's last error; "" before the first. Until the next error. */
const char* fms_last_error(void);
/* Clears `size` bytes of a struct and sets its struct_size; see FMS_INIT. */
void fms_clear(void* s, size_t size);
/* The id of a feature's name: the first 64 bits of MurmurHash3 x64_128. */
uint64_t fms_hash(const void* name, uint64_t bytes, uint32_t seed);
/* CLOCK_MONOTONIC in nanoseconds: the clock of deadlines. */
int64_t fms_now_ns(void);

/* ---- models ---- */

typedef struct fms_model fms_model;

#define FMS_OPEN_COPY 1u /* into private memory with huge pages; else the file is mapped */
#define FMS_OPEN_UNVERIFIED                                             \
  2u /* fms_model_verify comes later; until then it cannot be published \
      */

typedef struct fms_open_options {
  uint32_t struct_size;
  uint32_t flags;  /* FMS_OPEN_* */
  const char* md5; /* of the whole file, 32 hex digits, or NULL */
} fms_open_options;

#define FMS_PRECISION_FLOAT32 0
#define FMS_PRECISION_FLOAT16 1
#define FMS_PRECISION_INT8 2

#define FMS_LINK_SIGMOID 0
#define FMS_LINK_EXP 1
#define FMS_LINK_RAW 2

/* Texts are the model's own, NUL-terminated, as long as it lives. */
typedef struct fms_info {
  uint32_t struct_size;
  int32_t precision;      /* FMS_PRECISION_* */
  int32_t link;           /* FMS_LINK_* */
  uint32_t hash_seed;     /* for fms_hash */
  const char* name;       /* as exported */
  const char* version;    /* as exported */
  const char* schema;     /* JSON; "" where the model takes ids alone */
  uint64_t trained_until; /* seconds since 1970; 0: not known */
  uint64_t features;      /* rows of the table */
  uint64_t factors;       /* k; 0 for a logistic regression */
  uint64_t file_bytes;
  uint64_t golden_rows;
  double prior;              /* the score that an item without a usable one gets */
  double down_sampling_rate; /* of the negatives, 1 where there was none */
  double golden_shift;       /* largest |score - that of the trained model| on its golden rows */
  uint64_t serial;           /* differs for all models that this process opened */
} fms_info;

/* options: NULL for none. The file must not be changed in place while it is mapped: replace it by
 * a rename. Errors: EIO, EFORMAT, EVERSION, ECHECKSUM, ESELFTEST, ENOMEM. */
int32_t fms_model_open(const char* path, const fms_open_options* options, fms_model** out);
/* Without FMS_OPEN_COPY the bytes, aligned to 64, are used in place and must outlive the model. */
int32_t fms_model_open_memory(const void* bytes, uint64_t size, const fms_open_options* options,
                              fms_model** out);
/* Every checksum, every number, the golden rows. Reads the whole file, which warms it. */
int32_t fms_model_verify(fms_model* model);
int32_t fms_model_info(const fms_model* model, fms_info* info);
/* An opened model has one reference. The last release gives its memory back to the system. */
int32_t fms_model_retain(fms_model* model);
int32_t fms_model_release(fms_model* model);

/* ---- slots ---- */

typedef struct fms_slot fms_slot;

typedef struct fms_slot_options {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t item_cache_bytes; /* 0: no item cache. Each published model has its own. */
} fms_slot_options;

typedef struct fms_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t requests;         /* begun */
  uint64_t scored;           /* items with a score of their own */
  uint64_t cut_off;          /* items behind a deadline */
  uint64_t nonfinite;        /* items with FMS_ITEM_NONFINITE */
  uint64_t bad_rows;         /* items with FMS_ITEM_BAD */
  uint64_t features;         /* looked up */
  uint64_t unknown_features; /* of them, without a row: never seen, or pruned as zero */
  uint64_t cache_hits;       /* items */
  uint64_t cache_misses;
  uint64_t published; /* models so far */
  uint64_t retired;   /* replaced ones that a request still holds */
} fms_stats;

int32_t fms_slot_create(const fms_slot_options* options, fms_slot** out);
/* The slot takes a reference of its own. Requests in flight finish on the model that they began
 * with; replaced models that no request holds any more are released here, by the caller's thread,
 * or by fms_slot_reclaim, and never by a request. Any thread. */
int32_t fms_slot_publish(fms_slot* slot, fms_model* model);
/* waiting: how many replaced models are still held; may be NULL. */
int32_t fms_slot_reclaim(fms_slot* slot, uint64_t* waiting);
/* The current model, retained for the caller. */
int32_t fms_slot_model(fms_slot* slot, fms_model** out);
/* Sums over the slot's contexts, gone ones included. */
int32_t fms_slot_stats(fms_slot* slot, fms_stats* stats);
/* Contexts may outlive it: a request in flight goes on, the next one fails with FMS_ESTATE. */
int32_t fms_slot_destroy(fms_slot* slot);

/* ---- rows ---- */

/* How rows are given. */
#define FMS_ROWS_IDS 0     /* feature ids (fms_hash of names) in CSR */
#define FMS_ROWS_COLUMNS 1 /* raw columns, which the model's schema makes features of */
#define FMS_ROWS_JSON 2    /* a JSON object a row, likewise */

#define FMS_COLUMN_DOUBLE 0 /* double (rows); NaN is missing */
#define FMS_COLUMN_FLOAT 1  /* float (rows); NaN is missing */
#define FMS_COLUMN_INT64 2  /* int64_t (rows) */
#define FMS_COLUMN_TEXT 3   /* bytes, cut by offsets (rows + 1) */
#define FMS_COLUMN_LIST \
  4 /* texts: items of row i are offsets[i] to offsets[i + 1] of item_offsets */

typedef struct fms_column {
  uint32_t struct_size;
  int32_t type;     /* FMS_COLUMN_* */
  const char* name; /* of the schema's column; others are passed over */
  const void* values;
  const uint64_t* offsets;      /* TEXT: bytes in values; LIST: places in item_offsets */
  const uint64_t* item_offsets; /* LIST: bytes in values */
  const float* weights;         /* LIST: of the items; NULL: the list has none */
  const uint8_t* missing;       /* (rows), not 0 where the row has no value; NULL: all have one */
} fms_column;

typedef struct fms_rows {
  uint32_t struct_size;
  int32_t form; /* FMS_ROWS_* */
  uint64_t rows;
  /* IDS. Features of row i are row_ptr[i] to row_ptr[i + 1]; an x of 0 is passed over. */
  const uint64_t* row_ptr; /* (rows + 1), never falling */
  const uint64_t* ids;
  const float* x; /* NULL: all 1 */
  /* IDS: more features of the rows, behind those: what depends on the user too (crosses), and so
   * is never kept in the item cache. NULL: none. */
  const uint64_t* extra_ptr; /* (rows + 1) */
  const uint64_t* extra_ids;
  const float* extra_x; /* NULL: all 1 */
  /* COLUMNS */
  const fms_column* columns;
  uint64_t column_count;
  /* JSON: row i is the bytes text_ptr[i] to text_ptr[i + 1]. */
  const char* text;
  const uint64_t* text_ptr; /* (rows + 1) */
  /* (rows) what the host calls its items: the key of the item cache, where the slot has one, and of
   * snapshots. NULL: neither. */
  const uint64_t* item_ids;
} fms_rows;

/* ---- requests ---- */

typedef struct fms_context fms_context;

#define FMS_OUTPUT_SCORE 0 /* before the link */
#define FMS_OUTPUT_PREDICTION \
  1 /* behind the model's link, corrected for down-sampling, calibrated */

typedef struct fms_context_options {
  uint32_t struct_size;
  int32_t output; /* FMS_OUTPUT_* */
  int32_t record; /* not 0: keeps the request's features, for fms_snapshots_keep */
  int32_t reserved;
} fms_context_options;

/* options: NULL for none. A context is one thread's at a time. */
int32_t fms_context_create(fms_slot* slot, const fms_context_options* options, fms_context** out);
int32_t fms_context_destroy(fms_context* context);

/* user: one row, which stands before each item's own, or NULL for none: items are whole rows. Its
 * form must be the items'. Of raw rows it has the columns whose role is user; items' are passed
 * over there, as are the user's in items. Columns of neither role may come with either: the user's
 * hold for all items that have no value of their own. Errors: ENOMODEL, ESTATE, EINVAL. After an
 * error there is no request. */
int32_t fms_request_begin(fms_context* context, const fms_rows* user);
/* Scores items in their order, 8 at a time, and looks at the clock before each 8.
 *
 * deadline_ns: on the clock of fms_now_ns; 0: none. scores, status (rows), status may be NULL.
 * done: how many were scored, may be NULL. Returns FMS_PARTIAL when not all were.
 *
 * Without the item cache scores of a FLOAT32 file are those of the trained model, bit by bit. With
 * it (item_ids given and the slot has one) user's and item's sums are taken apart and joined,
 * which rounds otherwise in the last digits, the same for a hit and for a miss. */
int32_t fms_score(fms_context* context, const fms_rows* items, int64_t deadline_ns, float* scores,
                  uint8_t* status, uint64_t* done);
int32_t fms_request_end(fms_context* context);
/* Of the model that the request holds. */
int32_t fms_request_info(const fms_context* context, fms_info* info);

/* One sample in the trainer's text format, "label name:value ...", by the slot's current model. Not
 * within a request. */
int32_t fms_score_text(fms_context* context, const char* line, uint64_t bytes, float* score);

typedef struct fms_term {
  uint64_t id;
  float x;
  int32_t known;   /* 0: the model has no row of it */
  double linear;   /* w x */
  double pairwise; /* half of its part of the pairs, so that all terms and the bias add up */
} fms_term;

/* Why the request's user with this one item scores as it does, the user's features first. terms
 * (capacity); count: how many there are, which may be more than the capacity. score: before the
 * link. bias, score: may be NULL. */
int32_t fms_explain(fms_context* context, const fms_rows* item, fms_term* terms, uint64_t capacity,
                    uint64_t* count, double* bias, double* score);

/* ---- snapshots: what was scored, kept until it is known what was shown ---- */

typedef struct fms_snapshots fms_snapshots;
typedef struct fms_sample_file fms_sample_file;

typedef struct fms_snapshots_options {
  uint32_t struct_size;
  uint32_t reserved;
  /* Of kept requests: 8 bytes a feature, 12 where not all x are 1. Never exceeded. From 16 MiB on
   * they are in parts of 8 MiB or more, 16 at most, by their ids; the oldest of a part leave first,
   * and no request is larger than a part. */
  uint64_t max_bytes;
  int64_t max_age_ns; /* older requests leave; 0: no bound */
} fms_snapshots_options;

typedef struct fms_snapshots_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t requests; /* there now */
  uint64_t bytes;    /* there now */
  uint64_t kept;     /* requests so far */
  uint64_t taken;    /* requests so far */
  uint64_t expired;  /* by age */
  uint64_t evicted;  /* by size */
} fms_snapshots_stats;

/* A shown item's sample: the features that were scored, the user's first. Of the callback's time.
 */
typedef struct fms_snapshot {
  uint32_t struct_size;
  float label;
  uint64_t item_id;
  uint64_t features;
  const uint64_t* ids; /* (features) */
  const float* x;      /* (features) */
} fms_snapshot;

/* Not 0 stops the taking. */
typedef int32_t (*fms_snapshot_callback)(const fms_snapshot* snapshot, void* user);

/* All functions on snapshots may be called by any thread. */
int32_t fms_snapshots_create(const fms_snapshots_options* options, fms_snapshots** out);
/* What the context scored in its request so far (those with FMS_ITEM_OK), under the request's id (1
 * to 4096 bytes of any kind). The context records, and items had item_ids. An id that is there
 * already is replaced. Errors: ESTATE, EINVAL (also where a request is too large), ENOMEM. */
int32_t fms_snapshots_keep(fms_snapshots* snapshots, const fms_context* context,
                           const void* request_id, uint64_t request_id_bytes);
/* Calls back for the shown items in their order; items that the request does not have are passed
 * over, and one that it scored twice is as it was scored last. The request is gone from then on. No
 * lock is held while it calls. labels (shown_count), NULL: all 0. found: how many were there, may
 * be NULL. ENOTFOUND: no such request. */
int32_t fms_snapshots_take(fms_snapshots* snapshots, const void* request_id,
                           uint64_t request_id_bytes, const uint64_t* shown, const float* labels,
                           uint64_t shown_count, fms_snapshot_callback callback, void* user,
                           uint64_t* found);
/* The same, into a file; labels are from 0 to 1. Any thread may write to the file. */
int32_t fms_snapshots_take_to_file(fms_snapshots* snapshots, const void* request_id,
                                   uint64_t request_id_bytes, const uint64_t* shown,
                                   const float* labels, uint64_t shown_count, fms_sample_file* file,
                                   uint64_t* found);
int32_t fms_snapshots_get_stats(fms_snapshots* snapshots, fms_snapshots_stats* stats);
int32_t fms_snapshots_destroy(fms_snapshots* snapshots);

/* An input cache of `fmtrain fit`; a sample's key is "REQUEST_ID ITEM_ID". Appears under its name,
 * whole, when it is closed; after an error there is none. */
int32_t fms_sample_file_create(const char* path, uint32_t hash_seed, fms_sample_file** out);
/* The handle is gone, also after an error. */
int32_t fms_sample_file_close(fms_sample_file* file);
/* Closes without keeping it. */
int32_t fms_sample_file_discard(fms_sample_file* file);

#ifdef __cplusplus
}
#endif
#endif
