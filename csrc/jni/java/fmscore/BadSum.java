package fmscore;

import java.nio.file.Path;

/** A file that ought to be what md5sum prints, and is not. */
final class BadSum extends RuntimeException {
  private static final long serialVersionUID = 1;

  BadSum(Path path) {
    super(path + ": not one line \"MD5  PATH\" as md5sum prints it");
  }
}
