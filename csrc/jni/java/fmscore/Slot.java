package fmscore;

import java.nio.ByteBuffer;

/** The place where the current model hangs. Any thread may use it. */
public final class Slot implements AutoCloseable {
  private final Handle handle;

  /** Without an item cache. */
  public Slot() {
    this(0);
  }

  /**
   * With an item cache: what items add to a score is kept under their ids.
   *
   * @param itemCacheBytes of each published model's own cache; 0: none
   */
  public Slot(long itemCacheBytes) {
    if (itemCacheBytes < 0) throw new IllegalArgumentException("itemCacheBytes: is negative");
    ByteBuffer options = Memory.struct(Layout.SlotOptions.BYTES);
    options.putLong(Layout.SlotOptions.ITEM_CACHE_BYTES, itemCacheBytes);
    long address = Memory.with(options, Native::slotCreate);
    handle = new Handle(this, "slot", address, Native::slotDestroy);
  }

  /**
   * Makes a model the current one. Requests in flight finish on the one that they began with; those
   * replaced that no request holds any more are freed here, by the calling thread.
   *
   * @throws FmscoreException ESTATE: the model is not verified
   */
  public void publish(Model model) {
    long address = handle.hold();
    try {
      model.publishTo(address);
    } finally {
      handle.release();
    }
  }

  /** Frees replaced models that no request holds any more. Returns how many are still held. */
  public long reclaim() {
    long address = handle.hold();
    try {
      return Native.slotReclaim(address);
    } finally {
      handle.release();
    }
  }

  /**
   * The current model, for the caller to close.
   *
   * @throws FmscoreException ENOMODEL
   */
  public Model model() {
    long address = handle.hold();
    try {
      return new Model(Native.slotModel(address));
    } finally {
      handle.release();
    }
  }

  /** Its counts by now. */
  public SlotStats stats() {
    ByteBuffer struct = Memory.struct(Layout.Stats.BYTES);
    long address = handle.hold();
    try {
      Native.slotStats(address, Native.addressOf(struct));
    } finally {
      handle.release();
    }
    return new SlotStats(struct);
  }

  long newContext(ByteBuffer options) {
    long address = handle.hold();
    try {
      return Memory.with(options, (given) -> Native.contextCreate(address, given));
    } finally {
      handle.release();
    }
  }

  /** Once. Contexts may outlive it: a request in flight goes on, the next one fails with ESTATE. */
  @Override
  public void close() {
    handle.close();
  }
}
