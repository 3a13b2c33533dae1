// How often the HDF5 library ends the process on a damaged file. Each run changes one to four bytes of a file
// and reads all groups, attributes and datasets, in a process of its own.
//
//   apt-get install libhdf5-dev
//   cc -I/usr/include/hdf5/serial Tests/Formats/crash_hdf5.c -o /tmp/crash_hdf5 -l:libhdf5_serial.so
//   /tmp/crash_hdf5 Fixtures/hdf5/types.h5 20000

#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void read_all(hid_t type, hid_t space, hid_t object, int is_dataset) {
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
  size_t width = type >= 0 ? H5Tget_size(type) : 0;
  if (count > 0 && count < 1 << 20 && width > 0 && width < 4096) {
    char *bytes = calloc((size_t)count, width);
    if (is_dataset) H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
    else H5Aread(object, type, bytes);
    free(bytes);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
  (void)info, (void)data;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return 0;
  read_all(H5Aget_type(attribute), H5Aget_space(attribute), attribute, 0);
  H5Aclose(attribute);
  return 0;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *depth) {
  if (info->type != H5L_TYPE_HARD || *(int *)depth > 8) return 0;
  hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object < 0) return 0;
  int below = *(int *)depth + 1;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, 0, visit_attribute, 0);
  if (H5Iget_type(object) == H5I_GROUP) {
    H5Literate(object, H5_INDEX_NAME, H5_ITER_NATIVE, 0, visit_link, &below);
  } else if (H5Iget_type(object) == H5I_DATASET) {
    read_all(H5Dget_type(object), H5Dget_space(object), object, 1);
  }
  H5Oclose(object);
  return 0;
}

static void read_file(const char *path) {
  int depth = 0;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) return;
  H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_NATIVE, 0, visit_attribute, 0);
  H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, 0, visit_link, &depth);
  H5Fclose(file);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  FILE *input = fopen(arguments[1], "rb");
  if (!input) return 2;
  static unsigned char whole[1 << 20], bytes[1 << 20];
  size_t size = fread(whole, 1, sizeof whole, input);
  fclose(input);
  int runs = atoi(arguments[2]), crashed = 0, hung = 0;
  unsigned major, minor, release;
  H5get_libversion(&major, &minor, &release);
  H5Eset_auto2(H5E_DEFAULT, 0, 0);
  srand(1);
  for (int run = 0; run < runs && size > 0; run++) {
    memcpy(bytes, whole, size);
    for (int change = 1 + rand() % 4; change > 0; change--) {
      bytes[(size_t)rand() % size] = rand() % 3 ? (unsigned char)rand() : 0xFF;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      char path[] = "/tmp/crash_hdf5-XXXXXX";
      int file = mkstemp(path);
      if (file < 0 || write(file, bytes, size) != (ssize_t)size) _exit(3);
      close(file);
      signal(SIGALRM, SIG_DFL);
      alarm(5);
      read_file(path);
      unlink(path);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) *(WTERMSIG(status) == SIGALRM ? &hung : &crashed) += 1;
  }
  printf("HDF5 %u.%u.%u: %d runs, %d ended by a signal, %d took more than 5 s\n", major, minor, release,
         runs, crashed, hung);
  return 0;
}
