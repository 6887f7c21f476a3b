package fmscore;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.LongUnaryOperator;

/**
 * A serving file ({@code fmtrain export MODEL --to serving}), opened and verified. Immutable; any
 * thread may use it. A slot holds what was published by itself: closing the model here takes
 * nothing from it.
 */
public final class Model implements AutoCloseable {
  private final Handle handle;

  /** How a model is opened. */
  public static final class Options {
    private int flags;
    private String md5;

    /** Into private memory with huge pages; else the file is mapped. */
    public Options copy() {
      flags |= Layout.OpenOptions.COPY;
      return this;
    }

    /** {@link Model#verify} comes later; until then it cannot be published. */
    public Options unverified() {
      flags |= Layout.OpenOptions.UNVERIFIED;
      return this;
    }

    /** Of the whole file, 32 hex digits. Null: not checked. */
    public Options md5(String hex) {
      md5 = hex;
      return this;
    }
  }

  /** Takes the reference that the address comes with. */
  Model(long address) {
    handle = new Handle(this, "model", address, Native::modelRelease);
  }

  /** {@link #open(Path, Options)} with the usual options. */
  public static Model open(Path path) {
    return open(path, new Options());
  }

  /**
   * Opens and verifies a file. While the model lives the file must not be changed in place: replace
   * it by a rename.
   *
   * @throws FmscoreException EIO, EFORMAT, EVERSION, ECHECKSUM, ESELFTEST, ENOMEM
   */
  public static Model open(Path path, Options options) {
    ByteBuffer name = Memory.text("path", path.toString());
    return open(
        options, (given) -> Memory.with(name, (at) -> Native.modelOpen(at, given)));
  }

  /** Opens a copy of a file's bytes, a direct buffer's from position to limit. */
  public static Model open(ByteBuffer file, Options options) {
    Block<ByteBuffer> bytes = Block.of("file", file);
    Options copied = new Options().md5(options.md5);
    copied.flags = options.flags | Layout.OpenOptions.COPY;
    try {
      return open(
          copied, (given) -> Native.modelOpenMemory(bytes.address(), bytes.size(), given));
    } finally {
      Reference.reachabilityFence(file);
    }
  }

  private static Model open(Options options, LongUnaryOperator opener) {
    ByteBuffer md5 = options.md5 == null ? null : Memory.text("md5", options.md5);
    ByteBuffer struct = Memory.struct(Layout.OpenOptions.BYTES);
    struct.putInt(Layout.OpenOptions.FLAGS, options.flags);
    if (md5 != null) struct.putLong(Layout.OpenOptions.MD5, Native.addressOf(md5));
    try {
      return new Model(Memory.with(struct, opener));
    } finally {
      Reference.reachabilityFence(md5);
    }
  }

  /**
   * Checks every checksum, every number and the golden rows. Reads the whole file, which warms it.
   *
   * @throws FmscoreException EFORMAT, ESELFTEST
   */
  public void verify() {
    long address = handle.hold();
    try {
      Native.modelVerify(address);
    } finally {
      handle.release();
    }
  }

  /** What it is. */
  public ModelInfo info() {
    ByteBuffer struct = Memory.struct(Layout.Info.BYTES);
    long address = handle.hold();
    try {
      Native.modelInfo(address, Native.addressOf(struct));
      return new ModelInfo(struct);
    } finally {
      handle.release();
    }
  }

  void publishTo(long slot) {
    long address = handle.hold();
    try {
      Native.slotPublish(slot, address);
    } finally {
      handle.release();
    }
  }

  /** Gives its reference back; once. */
  @Override
  public void close() {
    handle.close();
  }
}
