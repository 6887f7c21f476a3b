package fmscore;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A file that a {@link Watcher} may publish. */
final class Candidate {
  /** Two blanks, or a blank and a star, between md5 and path. */
  private static final Pattern SUM = Pattern.compile("([0-9a-fA-F]{32}) .(.+)\n*");

  private static final Comparator<Candidate> NEWEST_FIRST =
      Comparator.comparing((Candidate c) -> c.changed)
          .thenComparing((c) -> c.path.getFileName().toString())
          .reversed();

  final Path path;

  /** Changes when the file does. */
  final String identity;

  /** Of FILE.md5; empty where there is none. */
  final String sumIdentity;

  private final FileTime changed;
  private final String md5; // a manifest's

  private Candidate(
      Path path, FileTime changed, String identity, String sumIdentity, String md5) {
    this.path = path;
    this.changed = changed;
    this.identity = identity;
    this.sumIdentity = sumIdentity;
    this.md5 = md5;
  }

  /** The newest first, and of those as new the last by name. */
  static List<Candidate> ofDirectory(Path directory) throws IOException {
    List<Candidate> found = new ArrayList<>();
    try (Stream<Path> paths = Files.list(directory)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        String name = path.getFileName().toString();
        if (!name.endsWith(".fms") || name.startsWith(".") || name.contains(".tmp.")) continue;
        String identity = identityOf(path);
        if (identity.isEmpty()) continue;
        FileTime changed = Files.getLastModifiedTime(path);
        found.add(new Candidate(path, changed, identity, identityOf(sumOf(path)), null));
      }
    }
    found.sort(NEWEST_FIRST);
    return found;
  }

  /** The file that a manifest names. */
  static Candidate ofManifest(Path manifest) throws IOException {
    Matcher line = readSum(manifest);
    Path path = manifest.resolveSibling(line.group(2));
    return new Candidate(path, null, identityOf(path) + line.group(1), "", line.group(1));
  }

  /** The file's md5 as it ought to be; null: nobody says. */
  String md5() throws IOException {
    if (md5 != null || sumIdentity.isEmpty()) return md5;
    return readSum(sumOf(path)).group(1);
  }

  private static Path sumOf(Path path) {
    return path.resolveSibling(path.getFileName() + ".md5");
  }

  private static Matcher readSum(Path path) throws IOException {
    Matcher line = SUM.matcher(new String(Files.readAllBytes(path), StandardCharsets.UTF_8));
    if (!line.matches()) throw new BadSum(path);
    return line;
  }

  /** Time, size and inode of a file, or "": there is none. */
  static String identityOf(Path path) {
    try {
      BasicFileAttributes is = Files.readAttributes(path, BasicFileAttributes.class);
      if (!is.isRegularFile()) return "";
      return path + "\n" + is.lastModifiedTime() + " " + is.size() + " " + is.fileKey() + "\n";
    } catch (IOException e) {
      return "";
    }
  }
}
