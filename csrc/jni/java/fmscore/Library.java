package fmscore;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Set;

/**
 * Finds the native library: the file that the property {@code fmscore.library} names, or the jar's
 * own, written to {@code java.io.tmpdir} under a name that has the content's hash. A file that is
 * there already is used if it is this user's alone and its content the same.
 */
final class Library {
  private static final String PROPERTY = "fmscore.library";
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private Library() {}

  /** Loads it and says from where. */
  static String load() {
    String given = System.getProperty(PROPERTY);
    if (given != null) {
      Path path = Path.of(given).toAbsolutePath();
      if (!Files.isRegularFile(path)) {
        throw new UnsatisfiedLinkError("-D" + PROPERTY + "=" + given + ": there is no such file");
      }
      System.load(path.toString());
      return path.toString();
    }
    String resource = "/native/" + platform() + "/libfmscore_jni.so";
    byte[] content = read(resource);
    try {
      return loadCopy(content, Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath());
    } catch (IOException e) {
      throw failed(resource + " cannot be written to java.io.tmpdir: " + e, e);
    }
  }

  private static String platform() {
    String os = System.getProperty("os.name");
    String arch = System.getProperty("os.arch");
    String name = arch.equals("amd64") ? "x86_64" : arch;
    return (os.equals("Linux") ? "linux" : os.replace(' ', '_')) + "-" + name;
  }

  private static byte[] read(String resource) {
    try (InputStream in = Library.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new UnsatisfiedLinkError(
            "the jar has no " + resource + ": name a library by -D" + PROPERTY + "=PATH");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw failed(resource + " cannot be read: " + e, e);
    }
  }

  private static String loadCopy(byte[] content, Path folder) throws IOException {
    Path place = folder.resolve("fmscore-" + hash(content) + ".so");
    if (!isOurs(place, content)) {
      Path fresh = write(content, folder);
      try {
        Files.move(fresh, place, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        throw e;
      } catch (FileSystemException e) {
        // Somebody else's file has the name and cannot be replaced: a copy of one's own will do.
        try {
          return loadFrom(fresh);
        } finally {
          Files.deleteIfExists(fresh);
        }
      }
    }
    return loadFrom(place);
  }

  private static String loadFrom(Path path) {
    try {
      System.load(path.toString());
    } catch (UnsatisfiedLinkError e) {
      throw failed(
          e.getMessage()
              + ": where files of "
              + path.getParent()
              + " may not be executed, set -Djava.io.tmpdir or -D"
              + PROPERTY,
          e);
    }
    return path.toString();
  }

  private static Path write(byte[] content, Path folder) throws IOException {
    Path fresh =
        Files.createTempFile(
            folder, "fmscore-", ".so.tmp", PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    try {
      Files.write(fresh, content);
      return fresh;
    } catch (IOException e) {
      Files.deleteIfExists(fresh);
      throw e;
    }
  }

  /** Whether a file is nobody's but this user's and has the content. */
  private static boolean isOurs(Path path, byte[] content) throws IOException {
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) return false;
    Object owner = Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    return owner.equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))
        && OWNER_ONLY.equals(Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS))
        && Files.size(path) == content.length
        && Arrays.equals(Files.readAllBytes(path), content);
  }

  private static String hash(byte[] content) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 16; ++i) text.append(String.format("%02x", digest[i]));
      return text.toString();
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every Java has it
    }
  }

  private static UnsatisfiedLinkError failed(String message, Throwable cause) {
    UnsatisfiedLinkError error = new UnsatisfiedLinkError(message);
    error.initCause(cause);
    return error;
  }
}
