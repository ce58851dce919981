/* Writes down what a process does to the files below one directory, in order, as `recording.py` reads it.
 *
 * It is loaded before the C library (LD_PRELOAD), so that SQLite and Python are recorded alike, as they are shipped.
 *   RECORD_ROOT   the directory
 *   RECORD_TO     the file that takes the records
 *   RECORD_MARKS  a file whose writes are marks: what the process has acknowledged so far
 * A record: kind, three numbers, two lengths, then a name and data. What it cannot follow is a record `?`: the reader
 * refuses it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define MOST 65536
enum { OTHER, WATCHED, MARKS };

static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static unsigned char known[MOST];
static const char *root, *marks;
static int out = -1;

struct __attribute__((packed)) header {
    char kind;
    uint64_t a, b, c;
    uint32_t name, data;
};

__attribute__((constructor)) static void begin(void) {
    root = getenv("RECORD_ROOT");
    marks = getenv("RECORD_MARKS");
    const char *to = getenv("RECORD_TO");
    if (root && marks && to) out = REAL(open64)(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(char kind, uint64_t a, uint64_t b, uint64_t c, const char *name, const void *data, size_t size) {
    int saved = errno;
    struct header header = {kind, a, b, c, name ? strlen(name) : 0, size};
    struct iovec parts[3] = {{&header, sizeof header}, {(void *)name, header.name}, {(void *)data, size}};
    ssize_t whole = sizeof header + header.name + size;
    if (out >= 0 && REAL(writev)(out, parts, 3) != whole) abort();
    errno = saved;
}

static int below(const char *path, char *whole) {
    char folder[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (out < 0) return 0;
    if (slash == NULL) strcpy(folder, ".");
    else memcpy(folder, path, slash - path + 1), folder[slash - path + 1] = 0;
    if (!realpath(folder, real)) return 0;
    strcpy(whole, real), strcat(whole, "/"), strcat(whole, slash ? slash + 1 : path);
    size_t length = strlen(root);
    return strncmp(whole, root, length) == 0 && (whole[length] == '/' || whole[length] == 0);
}

static uint64_t inode(const char *path) {
    struct stat found;
    return lstat(path, &found) == 0 ? found.st_ino : 0;
}

static uint64_t parent(const char *path) {
    char folder[PATH_MAX];
    strcpy(folder, path), *strrchr(folder, '/') = 0;
    return inode(folder);
}

static const char *base(const char *path) { return strrchr(path, '/') + 1; }

static uint64_t of(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

static int is(int fd, int what) { return out >= 0 && fd >= 0 && fd < MOST && known[fd] == what; }

/* ------------------------------------------------------------------------------------------------ opening, closing */
static int opened(int (*call)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    pthread_mutex_lock(&turn);
    int watched = below(path, whole);
    uint64_t before = watched ? inode(whole) : 0;
    int fd = call(path, flags, mode);
    if (fd >= 0 && fd < MOST) known[fd] = OTHER;
    if (fd >= 0 && fd < MOST && out >= 0 && strcmp(path, marks) == 0) known[fd] = MARKS;
    if (fd >= 0 && fd < MOST && watched) {
        known[fd] = WATCHED;
        if (!before) put('c', parent(whole), of(fd), 0, base(whole), NULL, 0);
        else if (flags & O_TRUNC) put('t', of(fd), 0, 0, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return fd;
}

#define OPENING(name)                                                                                                 \
    int name(const char *path, int flags, ...) {                                                                      \
        va_list more;                                                                                                 \
        va_start(more, flags);                                                                                        \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                                       \
        va_end(more);                                                                                                 \
        return opened((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64"), path, flags, mode);                \
    }
OPENING(open)
OPENING(open64)
int __open_2(const char *path, int flags) { return open64(path, flags); }
int __open64_2(const char *path, int flags) { return open64(path, flags); }

static int opened_at(int folder, const char *path, int flags, mode_t mode) {
    if (folder == AT_FDCWD || path[0] == '/') return open64(path, flags, mode);
    int fd = REAL(openat64)(folder, path, flags, mode);
    if (fd >= 0 && fd < MOST) known[fd] = OTHER;
    if (fd >= 0 && fd < MOST && is(folder, WATCHED)) known[fd] = WATCHED;
    if (fd >= 0 && is(folder, WATCHED) && (flags & (O_CREAT | O_TRUNC))) put('?', 0, 0, 0, "openat", NULL, 0);
    return fd;
}
#define OPENING_AT(name)                                                                                              \
    int name(int folder, const char *path, int flags, ...) {                                                          \
        va_list more;                                                                                                 \
        va_start(more, flags);                                                                                        \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                                       \
        va_end(more);                                                                                                 \
        return opened_at(folder, path, flags, mode);                                                                  \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

int close(int fd) {
    pthread_mutex_lock(&turn);
    if (fd >= 0 && fd < MOST) known[fd] = OTHER;
    int done = REAL(close)(fd);
    pthread_mutex_unlock(&turn);
    return done;
}

/* --------------------------------------------------------------------------------------------------------- contents */
static ssize_t wrote(int fd, const void *data, ssize_t size, off_t offset) {
    if (size > 0 && is(fd, WATCHED)) put('w', of(fd), offset, 0, NULL, data, size);
    if (size > 0 && is(fd, MARKS)) put('m', 0, 0, 0, NULL, data, size);
    return size;
}

ssize_t write(int fd, const void *data, size_t size) {
    if (!is(fd, WATCHED) && !is(fd, MARKS)) return REAL(write)(fd, data, size);
    pthread_mutex_lock(&turn);
    ssize_t done = REAL(write)(fd, data, size);
    wrote(fd, data, done, lseek(fd, 0, SEEK_CUR) - (done > 0 ? done : 0));
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
    if (!is(fd, WATCHED)) return REAL(pwrite64)(fd, data, size, offset);
    pthread_mutex_lock(&turn);
    ssize_t done = wrote(fd, data, REAL(pwrite64)(fd, data, size, offset), offset);
    pthread_mutex_unlock(&turn);
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

#define TOO_STRANGE(fd, name)                                                                                         \
    if (is(fd, WATCHED)) put('?', 0, 0, 0, name, NULL, 0);
ssize_t writev(int fd, const struct iovec *parts, int count) {
    TOO_STRANGE(fd, "writev")
    return REAL(writev)(fd, parts, count);
}
ssize_t sendfile64(int to, int from, off_t *offset, size_t count) {
    TOO_STRANGE(to, "sendfile")
    return ((ssize_t (*)(int, int, off_t *, size_t))dlsym(RTLD_NEXT, "sendfile64"))(to, from, offset, count);
}
ssize_t copy_file_range(int from, off_t *a, int to, off_t *b, size_t count, unsigned flags) {
    TOO_STRANGE(to, "copy_file_range")
    return REAL(copy_file_range)(from, a, to, b, count, flags);
}
int posix_fallocate64(int fd, off_t offset, off_t size) {
    TOO_STRANGE(fd, "posix_fallocate")
    return ((int (*)(int, off_t, off_t))dlsym(RTLD_NEXT, "posix_fallocate64"))(fd, offset, size);
}
void *mmap64(void *at, size_t size, int access, int flags, int fd, off_t offset) {
    if ((access & PROT_WRITE) && (flags & MAP_SHARED)) TOO_STRANGE(fd, "mmap")
    return ((void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap64"))(
        at, size, access, flags, fd, offset);
}

int ftruncate64(int fd, off_t size) {
    pthread_mutex_lock(&turn);
    int done = REAL(ftruncate64)(fd, size);
    if (done == 0 && is(fd, WATCHED)) put('t', of(fd), size, 0, NULL, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int (*call)(int)) {
    pthread_mutex_lock(&turn);
    int done = call(fd);
    if (done == 0 && is(fd, WATCHED)) put('s', of(fd), 0, 0, NULL, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

/* ------------------------------------------------------------------------------------------------------------ names */
static int removed(const char *path, int (*call)(const char *)) {
    char whole[PATH_MAX];
    pthread_mutex_lock(&turn);
    int watched = below(path, whole);
    int done = call(path);
    if (done == 0 && watched) put('u', parent(whole), 0, 0, base(whole), NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int unlink(const char *path) { return removed(path, REAL(unlink)); }
int rmdir(const char *path) { return removed(path, REAL(rmdir)); }

int unlinkat(int folder, const char *name, int flags) {
    pthread_mutex_lock(&turn);
    uint64_t above = is(folder, WATCHED) ? of(folder) : 0;
    int done = REAL(unlinkat)(folder, name, flags);
    if (done == 0 && above) put('u', above, 0, 0, name, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    char whole[PATH_MAX];
    pthread_mutex_lock(&turn);
    int watched = below(path, whole);
    int done = REAL(mkdir)(path, mode);
    if (done == 0 && watched) put('d', parent(whole), inode(whole), 0, base(whole), NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int rename(const char *old, const char *new) {
    char before[PATH_MAX], after[PATH_MAX];
    pthread_mutex_lock(&turn);
    int watched = below(old, before), into = below(new, after);
    uint64_t moved = watched ? inode(before) : 0;
    int done = REAL(rename)(old, new);
    if (done == 0 && watched != into) put('?', 0, 0, 0, "rename across", NULL, 0);
    else if (done == 0 && watched)
        put('r', parent(before), parent(after), moved, base(before), base(after), strlen(base(after)));
    pthread_mutex_unlock(&turn);
    return done;
}
int renameat(int a, const char *old, int b, const char *new) {
    if (a == AT_FDCWD && b == AT_FDCWD) return rename(old, new);
    put('?', 0, 0, 0, "renameat", NULL, 0);
    return REAL(renameat)(a, old, b, new);
}

int link(const char *old, const char *new) {
    char before[PATH_MAX], after[PATH_MAX];
    pthread_mutex_lock(&turn);
    int watched = below(old, before) && below(new, after);
    int done = REAL(link)(old, new);
    if (done == 0 && watched) put('l', parent(after), inode(after), 0, base(after), NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
