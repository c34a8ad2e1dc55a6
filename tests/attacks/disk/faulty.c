/* Preloaded into our processes. Makes system calls on files below DISK_FOLDER fail, as they do on
 * a disk that is full, read-only or failing, for as long as there is a file DISK_FAULT.
 *
 * DISK_FAULT holds "<errno> <calls> <end>": which calls fail (w: what writes, s: what syncs,
 * o: what makes, removes or opens for writing) on files whose path ends in <end> (or on all).
 * Each write, truncation, sync and removal is appended to DISK_RECORD, if that is set, as a line
 * "<w|t|s|u> <result> <offset> <path>", and after a write its data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Calls the function that this one stands for; RTLD_NEXT is the C library's. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_below(const char *path) {
    const char *folder = getenv("DISK_FOLDER");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

/* The path of an open file; empty for one that is not ours. */
static const char *path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    if (!is_below(path)) path[0] = 0;
    return path;
}

static int fails(char call, const char *path) {
    const char *fault = getenv("DISK_FAULT");
    if (!fault || !path[0]) return 0;
    int fd = syscall(SYS_openat, AT_FDCWD, fault, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    char text[256] = "", calls[16] = "", end[200] = "";
    int error = 0;
    long got = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (got <= 0 || sscanf(text, "%d %15s %199s", &error, calls, end) < 2) return 0;
    if (!strchr(calls, call) || strlen(path) < strlen(end)) return 0;
    if (strcmp(path + strlen(path) - strlen(end), end) != 0) return 0;
    errno = error;
    return 1;
}

static long recorded(char call, const char *path, long result, long offset, const void *data) {
    const char *file = getenv("DISK_RECORD");
    if (!file || !path[0]) return result;
    int kept = errno;
    char line[PATH_MAX + 100];
    int length = snprintf(line, sizeof line, "%c %ld %ld %s\n", call, result, offset, path);
    struct iovec parts[] = {{line, length}, {(void *)data, call == 'w' && result > 0 ? result : 0}};
    int fd = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    syscall(SYS_writev, fd, parts, 2);
    syscall(SYS_close, fd);
    errno = kept;
    return result;
}

#define WRITES(name, offset, data, ...)                                                        \
    {                                                                                          \
        char path[PATH_MAX];                                                                   \
        long at = offset;                                                                      \
        long result = fails('w', path_of(fd, path)) ? -1 : (long)REAL(name)(__VA_ARGS__);      \
        return recorded('w', path, result, at, data);                                          \
    }

ssize_t write(int fd, const void *data, size_t size)
    WRITES(write, lseek(fd, 0, SEEK_CUR), data, fd, data, size)
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
    WRITES(pwrite, offset, data, fd, data, size, offset)
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
    WRITES(pwrite64, offset, data, fd, data, size, offset)

ssize_t copy_file_range(int from, off64_t *start, int fd, off64_t *offset, size_t size,
                        unsigned int flags) {
    char path[PATH_MAX];
    if (fails('w', path_of(fd, path))) return -1;
    return REAL(copy_file_range)(from, start, fd, offset, size, flags);
}

#define ON_FILE(name, call, record_as, offset, ...)                                            \
    {                                                                                          \
        char path[PATH_MAX];                                                                   \
        int result = fails(call, path_of(fd, path)) ? -1 : REAL(name)(__VA_ARGS__);            \
        return recorded(record_as, path, result, offset, NULL);                                \
    }

int ftruncate(int fd, off_t size) ON_FILE(ftruncate, 'w', 't', size, fd, size)
int ftruncate64(int fd, off64_t size) ON_FILE(ftruncate64, 'w', 't', size, fd, size)
int fsync(int fd) ON_FILE(fsync, 's', 's', 0, fd)
int fdatasync(int fd) ON_FILE(fdatasync, 's', 's', 0, fd)

/* These two grow a file without writing; they give the error in place of setting it. */
int posix_fallocate(int fd, off_t offset, off_t size) {
    char path[PATH_MAX];
    return fails('w', path_of(fd, path)) ? errno : REAL(posix_fallocate)(fd, offset, size);
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
    char path[PATH_MAX];
    return fails('w', path_of(fd, path)) ? errno : REAL(posix_fallocate64)(fd, offset, size);
}

static int changes(const char *path, int flags) {
    return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) && is_below(path) && fails('o', path);
}

#define OPENS(name, ...)                                                                       \
    {                                                                                          \
        va_list rest;                                                                          \
        va_start(rest, flags);                                                                 \
        int mode = flags & O_CREAT ? va_arg(rest, int) : 0;                                    \
        va_end(rest);                                                                          \
        return changes(path, flags) ? -1 : REAL(name)(__VA_ARGS__, path, flags, mode);         \
    }
#define OPENS_PATH(name)                                                                       \
    {                                                                                          \
        va_list rest;                                                                          \
        va_start(rest, flags);                                                                 \
        int mode = flags & O_CREAT ? va_arg(rest, int) : 0;                                    \
        va_end(rest);                                                                          \
        return changes(path, flags) ? -1 : REAL(name)(path, flags, mode);                      \
    }

int open(const char *path, int flags, ...) OPENS_PATH(open)
int open64(const char *path, int flags, ...) OPENS_PATH(open64)
int openat(int folder, const char *path, int flags, ...) OPENS(openat, folder)
int openat64(int folder, const char *path, int flags, ...) OPENS(openat64, folder)

#define CHANGES_PATH(name, path, ...)                                                          \
    { return is_below(path) && fails('o', path) ? -1 : REAL(name)(__VA_ARGS__); }

int unlink(const char *path) {
    int result = is_below(path) && fails('o', path) ? -1 : REAL(unlink)(path);
    return recorded('u', is_below(path) ? path : "", result, 0, NULL);
}
int rename(const char *from, const char *to) CHANGES_PATH(rename, to, from, to)
int symlink(const char *to, const char *from) CHANGES_PATH(symlink, from, to, from)
int mkdir(const char *path, mode_t mode) CHANGES_PATH(mkdir, path, path, mode)
