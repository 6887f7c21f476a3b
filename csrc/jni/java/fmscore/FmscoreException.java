package fmscore;

import java.nio.charset.StandardCharsets;

/** An error of the library: its code, and a message that names the file, column or argument. */
public final class FmscoreException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** An argument: pointers that fall, forms that do not go together. */
  public static final int EINVAL = -1;

  /** A file cannot be opened, read or written. */
  public static final int EIO = -2;

  /** No serving file, or a cut or damaged one. */
  public static final int EFORMAT = -3;

  /** A file newer than the library. */
  public static final int EVERSION = -4;

  /** The md5 given is not the file's. */
  public static final int ECHECKSUM = -5;

  /** Memory that cannot be had. */
  public static final int ENOMEM = -6;

  /** Nothing was published yet. */
  public static final int ENOMODEL = -7;

  /** Golden rows score otherwise here than where the file was made. */
  public static final int ESELFTEST = -8;

  /** Not now: no request, or one already; a slot that is gone; a model that is not verified. */
  public static final int ESTATE = -9;

  /** No such request, or it is too old. */
  public static final int ENOTFOUND = -10;

  private final int code;

  /** Made by the native side. */
  FmscoreException(int code, byte[] message) {
    super(new String(message, StandardCharsets.UTF_8));
    this.code = code;
  }

  /** One of the constants here, or what a later version of the library says. */
  public int code() {
    return code;
  }
}
