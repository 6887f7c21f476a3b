package fmscore;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The scratch memory of one thread, which has one request at a time. It may go from thread to
 * thread, but two at once get an {@link IllegalStateException}.
 */
public final class Context implements AutoCloseable {
  private final Slot slot; // held, so that it is not freed under the context
  private final Handle handle;
  private final AtomicBoolean busy = new AtomicBoolean();
  private Request request;

  /** What is asked of a context. */
  public static final class Options {
    private boolean predictions;
    private boolean record;

    /**
     * Scores behind the model's link, corrected for down-sampling and calibrated; else what is
     * before the link.
     */
    public Options predictions() {
      predictions = true;
      return this;
    }

    /** Keeps the request's features, for {@link Snapshots#keep}. */
    public Options record() {
      record = true;
      return this;
    }
  }

  /** Of scores before the link. */
  public Context(Slot slot) {
    this(slot, new Options());
  }

  public Context(Slot slot, Options options) {
    ByteBuffer struct = Memory.struct(Layout.ContextOptions.BYTES);
    struct.putInt(Layout.ContextOptions.OUTPUT, options.predictions ? 1 : 0);
    struct.putInt(Layout.ContextOptions.RECORD, options.record ? 1 : 0);
    this.slot = slot;
    handle = new Handle(this, "context", slot.newContext(struct), Native::contextDestroy);
  }

  /**
   * Begins a request on the current model, which it holds until it is closed.
   *
   * @param user one row, which stands before each item's own; null: items are whole rows
   * @throws FmscoreException ENOMODEL; ESTATE: the slot is closed; EINVAL
   * @throws IllegalStateException there is a request already
   */
  public Request begin(Rows user) {
    enter();
    try {
      long address = handle.address();
      if (request != null) {
        throw new IllegalStateException("the context has a request already: close it first");
      }
      Native.begin(address, user == null ? 0 : user.prepare(oneRow("user", user)));
      request = new Request(this);
      return request;
    } finally {
      Reference.reachabilityFence(user);
      leave();
    }
  }

  /**
   * Scores one sample in the trainer's text format, {@code label name:value ...}, by the current
   * model. Not within a request. For tests: it makes garbage.
   *
   * @throws FmscoreException EINVAL: no such line; ENOMODEL, ESTATE
   */
  public float scoreText(String line) {
    ByteBuffer utf8 = Memory.copyOf(line.getBytes(StandardCharsets.UTF_8));
    enter();
    try {
      return Native.scoreText(handle.address(), Native.addressOf(utf8), utf8.remaining());
    } finally {
      Reference.reachabilityFence(utf8);
      leave();
    }
  }

  /** Ends its request and frees its memory; once. */
  @Override
  public void close() {
    enter();
    try {
      request = null;
      handle.close();
    } finally {
      leave();
    }
  }

  static int oneRow(String what, Rows rows) {
    if (rows.rows() != 1) {
      throw new IllegalArgumentException(what + ": has " + rows.rows() + " rows, and is one");
    }
    return 1;
  }

  /** From here to leave() no other thread gets in, so nothing is freed. */
  private void enter() {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("two threads use the context at once: make one for each");
    }
  }

  private void leave() {
    busy.set(false);
    Reference.reachabilityFence(this);
  }

  /** enter() by a request. The context's address. */
  long enter(Request by) {
    enter();
    if (request == by) return handle.address();
    leave();
    throw new IllegalStateException("the request is closed");
  }

  void leave(Request by) {
    leave();
  }

  void end(Request by) {
    enter();
    try {
      if (request != by) return;
      request = null;
      Native.end(handle.address());
    } finally {
      leave();
    }
  }
}
