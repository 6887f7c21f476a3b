// Java's door to the C ABI. Java writes and reads the ABI's structs in direct memory by itself
// (fmscore.Layout), so a call here passes addresses on and makes an exception of an error code.
//
// Nothing here is checked: fmscore.* has looked at every address, size and state before.
#include <jni.h>
#include <stddef.h>
#include <string.h>

#include "serve/fmscore.h"

namespace {

// What fmscore/Layout.java says.
static_assert(sizeof(void*) == 8 && sizeof(size_t) == 8, "addresses are Java's long");
static_assert(sizeof(fms_open_options) == 16 && offsetof(fms_open_options, md5) == 8, "");
static_assert(sizeof(fms_info) == 112 && offsetof(fms_info, hash_seed) == 12 &&
                  offsetof(fms_info, name) == 16 && offsetof(fms_info, schema) == 32 &&
                  offsetof(fms_info, trained_until) == 40 && offsetof(fms_info, features) == 48 &&
                  offsetof(fms_info, factors) == 56 && offsetof(fms_info, golden_rows) == 72 &&
                  offsetof(fms_info, prior) == 80 && offsetof(fms_info, golden_shift) == 96 &&
                  offsetof(fms_info, serial) == 104,
              "");
static_assert(sizeof(fms_slot_options) == 16 && offsetof(fms_slot_options, item_cache_bytes) == 8,
              "");
static_assert(sizeof(fms_stats) == 96 && offsetof(fms_stats, requests) == 8 &&
                  offsetof(fms_stats, retired) == 88,
              "");
static_assert(sizeof(fms_column) == 56 && offsetof(fms_column, name) == 8 &&
                  offsetof(fms_column, missing) == 48,
              "");
static_assert(sizeof(fms_rows) == 104 && offsetof(fms_rows, rows) == 8 &&
                  offsetof(fms_rows, row_ptr) == 16 && offsetof(fms_rows, extra_ptr) == 40 &&
                  offsetof(fms_rows, columns) == 64 && offsetof(fms_rows, text) == 80 &&
                  offsetof(fms_rows, item_ids) == 96,
              "");
static_assert(sizeof(fms_context_options) == 16 && offsetof(fms_context_options, record) == 8, "");
static_assert(sizeof(fms_term) == 32 && offsetof(fms_term, linear) == 16, "");
static_assert(sizeof(fms_snapshots_options) == 24 &&
                  offsetof(fms_snapshots_options, max_age_ns) == 16,
              "");
static_assert(sizeof(fms_snapshots_stats) == 56 && offsetof(fms_snapshots_stats, evicted) == 48,
              "");

// The object at an address.
template <class T>
T* at(jlong address) {
  return reinterpret_cast<T*>(address);
}

template <class T>
jlong address_of(T* p) {
  return reinterpret_cast<jlong>(p);
}

jbyteArray bytes_of(JNIEnv* env, const char* text) {
  const auto size = static_cast<jsize>(strlen(text));
  jbyteArray bytes = env->NewByteArray(size);
  if (bytes != nullptr) {
    env->SetByteArrayRegion(bytes, 0, size, reinterpret_cast<const jbyte*>(text));
  }
  return bytes;
}

// Makes FmscoreException of this thread's last error; of memory that is short, what the JVM makes.
void raise(JNIEnv* env, int32_t code) {
  jclass type = env->FindClass("fmscore/FmscoreException");
  if (type == nullptr) return;
  jmethodID make = env->GetMethodID(type, "<init>", "(I[B)V");
  jbyteArray message = make == nullptr ? nullptr : bytes_of(env, fms_last_error());
  if (message == nullptr) return;
  jobject exception = env->NewObject(type, make, static_cast<jint>(code), message);
  if (exception != nullptr) env->Throw(static_cast<jthrowable>(exception));
}

void check(JNIEnv* env, int32_t code) {
  if (code < 0) raise(env, code);
}

// Of a function that makes an object.
template <class T>
jlong made(JNIEnv* env, int32_t code, T* object) {
  check(env, code);
  return code < 0 ? 0 : address_of(object);
}

// Whom a snapshot is told to.
struct listener {
  JNIEnv* env;
  jobject consumer;
  jmethodID accept;
};

int32_t tell(const fms_snapshot* snapshot, void* user) {
  const listener& to = *static_cast<const listener*>(user);
  const auto size = static_cast<jsize>(snapshot->features);
  jlongArray ids = to.env->NewLongArray(size);
  jfloatArray x = ids == nullptr ? nullptr : to.env->NewFloatArray(size);
  if (x == nullptr) return 1;
  to.env->SetLongArrayRegion(ids, 0, size, reinterpret_cast<const jlong*>(snapshot->ids));
  to.env->SetFloatArrayRegion(x, 0, size, snapshot->x);
  to.env->CallVoidMethod(to.consumer, to.accept, static_cast<jlong>(snapshot->item_id),
                         static_cast<jfloat>(snapshot->label), ids, x);
  to.env->DeleteLocalRef(ids);
  to.env->DeleteLocalRef(x);
  return to.env->ExceptionCheck() ? 1 : 0;
}

}  // namespace

#define FMS_JAVA(type, name) extern "C" JNIEXPORT type JNICALL Java_fmscore_Native_##name

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM*, void*) { return JNI_VERSION_10; }

// ---- the library ----

FMS_JAVA(jint, abiVersion)(JNIEnv*, jclass) { return static_cast<jint>(fms_abi_version()); }

FMS_JAVA(jlong, buildInfo)(JNIEnv*, jclass) { return address_of(fms_build_info()); }

FMS_JAVA(jlong, lastError)(JNIEnv*, jclass) { return address_of(fms_last_error()); }

FMS_JAVA(jlong, nowNanos)(JNIEnv*, jclass) { return fms_now_ns(); }

FMS_JAVA(jlong, addressOf)(JNIEnv* env, jclass, jobject buffer) {
  return address_of(env->GetDirectBufferAddress(buffer));
}

FMS_JAVA(jbyteArray, text)(JNIEnv* env, jclass, jlong address) {
  return bytes_of(env, at<const char>(address));
}

// Names are short: they are copied. Long bytes are looked at where they are, which may hold back a
// garbage collection meanwhile.
FMS_JAVA(jlong, hash)(JNIEnv* env, jclass, jbyteArray name, jint from, jint size, jint seed) {
  jbyte copy[1024];
  const auto bytes = static_cast<uint64_t>(size);
  if (bytes <= sizeof copy) {
    env->GetByteArrayRegion(name, from, size, copy);
    return static_cast<jlong>(fms_hash(copy, bytes, static_cast<uint32_t>(seed)));
  }
  void* all = env->GetPrimitiveArrayCritical(name, nullptr);
  if (all == nullptr) return 0;  // OutOfMemoryError is under way
  const uint64_t id =
      fms_hash(static_cast<const char*>(all) + from, bytes, static_cast<uint32_t>(seed));
  env->ReleasePrimitiveArrayCritical(name, all, JNI_ABORT);
  return static_cast<jlong>(id);
}

// ---- models ----

FMS_JAVA(jlong, modelOpen)(JNIEnv* env, jclass, jlong path, jlong options) {
  fms_model* model = nullptr;
  const int32_t code = fms_model_open(at<char>(path), at<fms_open_options>(options), &model);
  return made(env, code, model);
}

FMS_JAVA(jlong, modelOpenMemory)(JNIEnv* env, jclass, jlong bytes, jlong size, jlong options) {
  fms_model* model = nullptr;
  const int32_t code = fms_model_open_memory(at<void>(bytes), static_cast<uint64_t>(size),
                                             at<fms_open_options>(options), &model);
  return made(env, code, model);
}

FMS_JAVA(void, modelVerify)(JNIEnv* env, jclass, jlong model) {
  check(env, fms_model_verify(at<fms_model>(model)));
}

FMS_JAVA(void, modelInfo)(JNIEnv* env, jclass, jlong model, jlong info) {
  check(env, fms_model_info(at<fms_model>(model), at<fms_info>(info)));
}

FMS_JAVA(void, modelRelease)(JNIEnv* env, jclass, jlong model) {
  check(env, fms_model_release(at<fms_model>(model)));
}

// ---- slots ----

FMS_JAVA(jlong, slotCreate)(JNIEnv* env, jclass, jlong options) {
  fms_slot* slot = nullptr;
  const int32_t code = fms_slot_create(at<fms_slot_options>(options), &slot);
  return made(env, code, slot);
}

FMS_JAVA(void, slotPublish)(JNIEnv* env, jclass, jlong slot, jlong model) {
  check(env, fms_slot_publish(at<fms_slot>(slot), at<fms_model>(model)));
}

FMS_JAVA(jlong, slotReclaim)(JNIEnv* env, jclass, jlong slot) {
  uint64_t waiting = 0;
  check(env, fms_slot_reclaim(at<fms_slot>(slot), &waiting));
  return static_cast<jlong>(waiting);
}

FMS_JAVA(jlong, slotModel)(JNIEnv* env, jclass, jlong slot) {
  fms_model* model = nullptr;
  const int32_t code = fms_slot_model(at<fms_slot>(slot), &model);
  return made(env, code, model);
}

FMS_JAVA(void, slotStats)(JNIEnv* env, jclass, jlong slot, jlong stats) {
  check(env, fms_slot_stats(at<fms_slot>(slot), at<fms_stats>(stats)));
}

FMS_JAVA(void, slotDestroy)(JNIEnv* env, jclass, jlong slot) {
  check(env, fms_slot_destroy(at<fms_slot>(slot)));
}

// ---- requests ----

FMS_JAVA(jlong, contextCreate)(JNIEnv* env, jclass, jlong slot, jlong options) {
  fms_context* context = nullptr;
  const int32_t code =
      fms_context_create(at<fms_slot>(slot), at<fms_context_options>(options), &context);
  return made(env, code, context);
}

FMS_JAVA(void, contextDestroy)(JNIEnv* env, jclass, jlong context) {
  check(env, fms_context_destroy(at<fms_context>(context)));
}

FMS_JAVA(void, begin)(JNIEnv* env, jclass, jlong context, jlong user) {
  check(env, fms_request_begin(at<fms_context>(context), at<fms_rows>(user)));
}

FMS_JAVA(jint, score)
(JNIEnv* env, jclass, jlong context, jlong items, jlong deadline_ns, jlong scores, jlong status) {
  uint64_t done = 0;
  check(env, fms_score(at<fms_context>(context), at<fms_rows>(items), deadline_ns,
                       at<float>(scores), at<uint8_t>(status), &done));
  return static_cast<jint>(done);
}

FMS_JAVA(void, end)(JNIEnv* env, jclass, jlong context) {
  check(env, fms_request_end(at<fms_context>(context)));
}

FMS_JAVA(void, requestInfo)(JNIEnv* env, jclass, jlong context, jlong info) {
  check(env, fms_request_info(at<fms_context>(context), at<fms_info>(info)));
}

FMS_JAVA(jfloat, scoreText)(JNIEnv* env, jclass, jlong context, jlong line, jlong bytes) {
  float score = 0;
  check(env, fms_score_text(at<fms_context>(context), at<char>(line), static_cast<uint64_t>(bytes),
                            &score));
  return score;
}

// sums: bias, score.
FMS_JAVA(jlong, explain)
(JNIEnv* env, jclass, jlong context, jlong item, jlong terms, jlong capacity, jlong sums) {
  uint64_t count = 0;
  check(env, fms_explain(at<fms_context>(context), at<fms_rows>(item), at<fms_term>(terms),
                         static_cast<uint64_t>(capacity), &count, at<double>(sums),
                         at<double>(sums) + 1));
  return static_cast<jlong>(count);
}

// ---- snapshots ----

FMS_JAVA(jlong, snapshotsCreate)(JNIEnv* env, jclass, jlong options) {
  fms_snapshots* snapshots = nullptr;
  const int32_t code = fms_snapshots_create(at<fms_snapshots_options>(options), &snapshots);
  return made(env, code, snapshots);
}

FMS_JAVA(void, snapshotsKeep)
(JNIEnv* env, jclass, jlong snapshots, jlong context, jlong id, jlong id_bytes) {
  check(env, fms_snapshots_keep(at<fms_snapshots>(snapshots), at<fms_context>(context),
                                at<void>(id), static_cast<uint64_t>(id_bytes)));
}

FMS_JAVA(jlong, snapshotsTake)
(JNIEnv* env, jclass, jlong snapshots, jlong id, jlong id_bytes, jlong shown, jlong labels,
 jlong count, jobject consumer) {
  jmethodID accept = env->GetMethodID(env->GetObjectClass(consumer), "accept", "(JF[J[F)V");
  if (accept == nullptr) return 0;
  listener to{env, consumer, accept};
  uint64_t found = 0;
  const int32_t code = fms_snapshots_take(
      at<fms_snapshots>(snapshots), at<void>(id), static_cast<uint64_t>(id_bytes),
      at<uint64_t>(shown), at<float>(labels), static_cast<uint64_t>(count), tell, &to, &found);
  if (!env->ExceptionCheck()) check(env, code);
  return static_cast<jlong>(found);
}

FMS_JAVA(jlong, snapshotsTakeToFile)
(JNIEnv* env, jclass, jlong snapshots, jlong id, jlong id_bytes, jlong shown, jlong labels,
 jlong count, jlong file) {
  uint64_t found = 0;
  check(env, fms_snapshots_take_to_file(at<fms_snapshots>(snapshots), at<void>(id),
                                        static_cast<uint64_t>(id_bytes), at<uint64_t>(shown),
                                        at<float>(labels), static_cast<uint64_t>(count),
                                        at<fms_sample_file>(file), &found));
  return static_cast<jlong>(found);
}

FMS_JAVA(void, snapshotsStats)(JNIEnv* env, jclass, jlong snapshots, jlong stats) {
  check(env, fms_snapshots_get_stats(at<fms_snapshots>(snapshots), at<fms_snapshots_stats>(stats)));
}

FMS_JAVA(void, snapshotsDestroy)(JNIEnv* env, jclass, jlong snapshots) {
  check(env, fms_snapshots_destroy(at<fms_snapshots>(snapshots)));
}

FMS_JAVA(jlong, sampleFileCreate)(JNIEnv* env, jclass, jlong path, jint hash_seed) {
  fms_sample_file* file = nullptr;
  const int32_t code =
      fms_sample_file_create(at<char>(path), static_cast<uint32_t>(hash_seed), &file);
  return made(env, code, file);
}

FMS_JAVA(void, sampleFileClose)(JNIEnv* env, jclass, jlong file) {
  check(env, fms_sample_file_close(at<fms_sample_file>(file)));
}

FMS_JAVA(void, sampleFileDiscard)(JNIEnv* env, jclass, jlong file) {
  check(env, fms_sample_file_discard(at<fms_sample_file>(file)));
}
