# Finds LibTorch without its own CMake package, which demands a CUDA toolkit for a CUDA build. Headers and libraries are
# enough: of a CPU or a CUDA build, as an unpacked LibTorch archive or inside a Python wheel.
#
# Looked for, in this order, and nowhere else:
#   -DSOONER_LIBTORCH=DIR       DIR holds include/ and lib/ (an unpacked archive, or site-packages/torch)
#   environment SOONER_LIBTORCH the same
#   build/python                the project's private environment (scripts/install_dependencies)
#
# Gives the target SoonerTorch::torch (system headers, run path included), SoonerTorch_VERSION, SoonerTorch_CUDA.
set(SOONER_LIBTORCH "" CACHE PATH "Folder of LibTorch: an unpacked archive or site-packages/torch; empty: search")
set(sooner_torch_version 2.13)

set(sooner_torch_root "")
set(sooner_torch_problem "")
if(SOONER_LIBTORCH)
  set(sooner_torch_root "${SOONER_LIBTORCH}")
  set(sooner_torch_from "-DSOONER_LIBTORCH")
elseif(DEFINED ENV{SOONER_LIBTORCH})
  set(sooner_torch_root "$ENV{SOONER_LIBTORCH}")
  set(sooner_torch_from "environment variable SOONER_LIBTORCH")
else()
  file(GLOB sooner_torch_found ${CMAKE_SOURCE_DIR}/build/python/lib/python3*/site-packages/torch)
  if(sooner_torch_found)
    list(GET sooner_torch_found 0 sooner_torch_root)
    set(sooner_torch_from "the project's private environment")
  endif()
endif()

if(NOT sooner_torch_root)
  set(sooner_torch_problem "no LibTorch found; run scripts/install_dependencies, give -DSOONER_LIBTORCH=DIR, or build \
without the trainer: -DSOONER_TRAIN=OFF")
elseif(NOT EXISTS ${sooner_torch_root}/include/ATen/ATen.h OR NOT EXISTS ${sooner_torch_root}/lib/libtorch_cpu.so)
  set(sooner_torch_problem "'${sooner_torch_root}' (from ${sooner_torch_from}) holds no include/ATen/ATen.h or no \
lib/libtorch_cpu.so; name an unpacked LibTorch archive or a site-packages/torch folder")
else()
  set(SoonerTorch_VERSION "of an older layout")
  if(EXISTS ${sooner_torch_root}/include/torch/headeronly/version.h)
    file(STRINGS ${sooner_torch_root}/include/torch/headeronly/version.h sooner_torch_line REGEX "^ *\"[0-9.a-z+]+\"$")
    string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" SoonerTorch_VERSION "${sooner_torch_line}")
  endif()
  if(NOT SoonerTorch_VERSION MATCHES "^${sooner_torch_version}\\.")
    set(sooner_torch_problem "'${sooner_torch_root}' (from ${sooner_torch_from}) is LibTorch ${SoonerTorch_VERSION}, \
expected ${sooner_torch_version}; name another with -DSOONER_LIBTORCH=DIR")
  endif()
endif()

if(sooner_torch_problem)
  if(SoonerTorch_FIND_REQUIRED)
    message(FATAL_ERROR "[FindSoonerTorch] ${sooner_torch_problem}")
  endif()
  message(STATUS "[FindSoonerTorch] ${sooner_torch_problem}")
  set(SoonerTorch_FOUND FALSE)
  return()
endif()

set(SoonerTorch_FOUND TRUE)
set(sooner_torch_lib ${sooner_torch_root}/lib)
set(sooner_torch_libraries ${sooner_torch_lib}/libtorch.so ${sooner_torch_lib}/libtorch_cpu.so ${sooner_torch_lib}/libc10.so)
set(SoonerTorch_CUDA FALSE)
set(sooner_torch_link_options "-Wl,-rpath,${sooner_torch_lib}" "-Wl,-rpath-link,${sooner_torch_lib}")
if(EXISTS ${sooner_torch_lib}/libtorch_cuda.so)
  set(SoonerTorch_CUDA TRUE)
  # Nothing in our code names a symbol of these: they register the CUDA kernels when they are loaded.
  list(APPEND sooner_torch_libraries ${sooner_torch_lib}/libtorch_cuda.so ${sooner_torch_lib}/libc10_cuda.so)
  # Their own libraries (CUDA's, the driver's) are found when the program runs, not when it is linked.
  list(APPEND sooner_torch_link_options "-Wl,--allow-shlib-undefined")
endif()

# The wheel's include folder also holds other versions of libraries this project uses (fmt, oneDNN, protobuf); only
# LibTorch's own headers are shown to the compiler.
set(sooner_torch_include ${CMAKE_BINARY_DIR}/libtorch_include)
file(MAKE_DIRECTORY ${sooner_torch_include})
foreach(part ATen c10 caffe2 torch)
  file(REMOVE ${sooner_torch_include}/${part})
  file(CREATE_LINK ${sooner_torch_root}/include/${part} ${sooner_torch_include}/${part} SYMBOLIC)
endforeach()

if(NOT TARGET SoonerTorch::torch)
  add_library(SoonerTorch::torch INTERFACE IMPORTED)
  set_target_properties(SoonerTorch::torch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${sooner_torch_include}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${sooner_torch_include}
    INTERFACE_LINK_LIBRARIES "-Wl,--push-state,--no-as-needed;${sooner_torch_libraries};-Wl,--pop-state"
    INTERFACE_LINK_OPTIONS "${sooner_torch_link_options}")
endif()
set(sooner_torch_kind CPU)
if(SoonerTorch_CUDA)
  set(sooner_torch_kind CUDA)
endif()
message(STATUS "LibTorch ${SoonerTorch_VERSION} (${sooner_torch_kind}) from ${sooner_torch_root}")
