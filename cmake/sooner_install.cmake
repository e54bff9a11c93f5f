# cmake --install: the library for other projects (docs/api.md), its CMake package, and the program sooner. Never the
# trainer: LibTorch is no part of it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(sooner_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/sooner)
set(sooner_private_folder ${CMAKE_INSTALL_LIBDIR}/sooner)  # libraries that only we use

set(installed_rooms core graph zoo format data policy recipe run tune backend_common backend_ref backend runtime check
    quantize profile eval measure)
if(SOONER_ONEDNN)
  list(APPEND installed_rooms backend_onednn)
endif()
list(TRANSFORM installed_rooms PREPEND sooner_)
install(TARGETS sooner_api ${installed_rooms} EXPORT sooner
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT sooner NAMESPACE sooner:: FILE sooner-targets.cmake DESTINATION ${sooner_package_folder})

# Which headers the public ones reach is looked up when they are installed.
set(sooner_header_stage ${CMAKE_BINARY_DIR}/installed_headers)
install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" -DSOURCE=${CMAKE_SOURCE_DIR} -DOUTPUT=${sooner_header_stage}
                               -P \"${CMAKE_SOURCE_DIR}/cmake/stage_headers.cmake\" COMMAND_ERROR_IS_FATAL ANY)")
install(DIRECTORY ${sooner_header_stage}/sooner DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# oneDNN out of the private environment (docs/adr/0004-onednn-from-a-wheel.md) is there for this checkout alone, so it
# goes along; a system's own is found again where the library is used.
set(SOONER_INSTALLED_DNNL "")
if(SOONER_ONEDNN)
  find_package(dnnl 3 REQUIRED CONFIG QUIET)
  get_target_property(dnnl_library DNNL::dnnl LOCATION)
  set(dnnl_soname libdnnl.so.${dnnl_VERSION_MAJOR})
  file(REAL_PATH ${CMAKE_SOURCE_DIR}/build/python private_environment)
  file(REAL_PATH ${dnnl_library} dnnl_file)
  cmake_path(IS_PREFIX private_environment ${dnnl_file} dnnl_is_private)
  option(SOONER_INSTALL_ONEDNN "Install oneDNN's library with ours" ${dnnl_is_private})
  if(SOONER_INSTALL_ONEDNN)
    set(SOONER_INSTALLED_DNNL ${sooner_private_folder}/${dnnl_soname})
    install(FILES ${dnnl_file} DESTINATION ${sooner_private_folder} RENAME ${dnnl_soname})
    if(EXISTS ${private_environment}/share/doc/onednn/LICENSE AND dnnl_is_private)
      install(DIRECTORY ${private_environment}/share/doc/onednn DESTINATION ${CMAKE_INSTALL_DOCDIR})
    endif()
    file(RELATIVE_PATH private_from_bin /${CMAKE_INSTALL_BINDIR} /${sooner_private_folder})
    set_target_properties(sooner PROPERTIES INSTALL_RPATH "$ORIGIN/${private_from_bin}")
  endif()
endif()

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/sooner-config.cmake.in ${CMAKE_BINARY_DIR}/sooner-config.cmake
                              INSTALL_DESTINATION ${sooner_package_folder}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sooner-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sooner-config.cmake ${CMAKE_BINARY_DIR}/sooner-config-version.cmake
        DESTINATION ${sooner_package_folder})

install(TARGETS sooner RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
