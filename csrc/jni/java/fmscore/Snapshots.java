package fmscore;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What was scored, kept by request until it is known what was shown: the samples of the shown items
 * have the features that were scored, not ones made again. Any thread may use it.
 */
public final class Snapshots implements AutoCloseable {
  private final Handle handle;

  /**
   * @param maxBytes of kept features; the oldest requests leave first
   * @param maxAge older requests leave; null: no bound
   */
  public Snapshots(long maxBytes, Duration maxAge) {
    if (maxBytes < 0) throw new IllegalArgumentException("maxBytes: is negative");
    ByteBuffer options = Memory.struct(Layout.SnapshotsOptions.BYTES);
    options.putLong(Layout.SnapshotsOptions.MAX_BYTES, maxBytes);
    options.putLong(Layout.SnapshotsOptions.MAX_AGE, maxAge == null ? 0 : maxAge.toNanos());
    long address = Memory.with(options, Native::snapshotsCreate);
    handle = new Handle(this, "snapshots", address, Native::snapshotsDestroy);
  }

  /**
   * Keeps what the request scored so far, those with {@link Scores#OK}, under an id. Its context
   * records ({@link Context.Options#record}), and its items had {@link Rows#itemIds}. An id that is
   * there already is replaced.
   */
  public void keep(Request request, byte[] requestId) {
    ByteBuffer id = Memory.copyOf(requestId);
    long address = handle.hold();
    try {
      request.keep(address, Native.addressOf(id), requestId.length);
    } finally {
      Reference.reachabilityFence(id);
      handle.release();
    }
  }

  /**
   * The samples of a request's shown items, in their order; items that it does not have are passed
   * over. The request is gone from then on.
   *
   * @param labels one for each item; null: all are 0
   * @throws FmscoreException ENOTFOUND: no such request, or it is too old
   */
  public List<Snapshot> take(byte[] requestId, long[] shown, float[] labels) {
    List<Snapshot> taken = new ArrayList<>();
    Consumer add = (item, label, ids, x) -> taken.add(new Snapshot(item, label, ids, x));
    take(
        requestId,
        shown,
        labels,
        (self, id, bytes, items, of) ->
            Native.snapshotsTake(self, id, bytes, items, of, shown.length, add));
    return taken;
  }

  /**
   * The same, into a file.
   *
   * @return how many were there
   * @throws FmscoreException ENOTFOUND; EIO
   */
  public long takeTo(SampleFile file, byte[] requestId, long[] shown, float[] labels) {
    return take(
        requestId,
        shown,
        labels,
        (self, id, bytes, items, of) ->
            file.use(
                (to) ->
                    Native.snapshotsTakeToFile(self, id, bytes, items, of, shown.length, to)));
  }

  /** Whom the library tells a sample to, while it has its lock. */
  interface Consumer {
    void accept(long itemId, float label, long[] ids, float[] x);
  }

  private interface Taker {
    long take(long self, long id, long idBytes, long shown, long labels);
  }

  private long take(byte[] requestId, long[] shown, float[] labels, Taker taker) {
    if (labels != null && labels.length != shown.length) {
      throw new IllegalArgumentException(
          "labels: has " + labels.length + " elements for " + shown.length + " shown items");
    }
    ByteBuffer id = Memory.copyOf(requestId);
    LongBuffer items = Memory.copyOf(shown);
    FloatBuffer of = labels == null ? null : Memory.copyOf(labels);
    long address = handle.hold();
    try {
      return taker.take(
          address,
          Native.addressOf(id),
          requestId.length,
          Native.addressOf(items),
          of == null ? 0 : Native.addressOf(of));
    } finally {
      Reference.reachabilityFence(id);
      Reference.reachabilityFence(items);
      Reference.reachabilityFence(of);
      handle.release();
    }
  }

  /** Its counts by now. */
  public SnapshotsStats stats() {
    ByteBuffer struct = Memory.struct(Layout.SnapshotsStats.BYTES);
    long address = handle.hold();
    try {
      Native.snapshotsStats(address, Native.addressOf(struct));
    } finally {
      handle.release();
    }
    return new SnapshotsStats(struct);
  }

  /** Once. */
  @Override
  public void close() {
    handle.close();
  }
}
