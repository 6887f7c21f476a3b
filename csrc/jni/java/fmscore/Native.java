package fmscore;

/**
 * The functions of {@code csrc/jni/fmscore_jni.cc}. All longs are addresses, counts or nanoseconds;
 * nothing is checked on the other side. Errors of the library come as {@link FmscoreException}.
 */
final class Native {
  private static final int ABI_MAJOR = 1;
  private static final int ABI_MINOR = 0;

  static {
    String from = Library.load();
    int version = abiVersion();
    if (version >>> 16 != ABI_MAJOR || (version & 0xffff) < ABI_MINOR) {
      throw new UnsatisfiedLinkError(
          String.format(
              "%s has ABI %d.%d; this jar needs %d.%d or a later %d.x",
              from, version >>> 16, version & 0xffff, ABI_MAJOR, ABI_MINOR, ABI_MAJOR));
    }
  }

  private Native() {}

  static native int abiVersion();

  static native long buildInfo();

  static native long lastError();

  static native long nowNanos();

  static native long hash(byte[] name, int from, int size, int seed);

  /** Of a direct buffer's element 0. */
  static native long addressOf(java.nio.Buffer buffer);

  /** The bytes of a NUL-terminated text. */
  static native byte[] text(long address);

  static native long modelOpen(long path, long options);

  static native long modelOpenMemory(long bytes, long size, long options);

  static native void modelVerify(long model);

  static native void modelInfo(long model, long info);

  static native void modelRelease(long model);

  static native long slotCreate(long options);

  static native void slotPublish(long slot, long model);

  static native long slotReclaim(long slot);

  static native long slotModel(long slot);

  static native void slotStats(long slot, long stats);

  static native void slotDestroy(long slot);

  static native long contextCreate(long slot, long options);

  static native void contextDestroy(long context);

  static native void begin(long context, long user);

  static native int score(long context, long items, long deadline, long scores, long statuses);

  static native void end(long context);

  static native void requestInfo(long context, long info);

  static native float scoreText(long context, long line, long bytes);

  static native long explain(long context, long item, long terms, long capacity, long sums);

  static native long snapshotsCreate(long options);

  static native void snapshotsKeep(long snapshots, long context, long id, long idBytes);

  static native long snapshotsTake(
      long snapshots,
      long id,
      long idBytes,
      long shown,
      long labels,
      long count,
      Snapshots.Consumer consumer);

  static native long snapshotsTakeToFile(
      long snapshots, long id, long idBytes, long shown, long labels, long count, long file);

  static native void snapshotsStats(long snapshots, long stats);

  static native void snapshotsDestroy(long snapshots);

  static native long sampleFileCreate(long path, int hashSeed);

  static native void sampleFileClose(long file);

  static native void sampleFileDiscard(long file);
}
