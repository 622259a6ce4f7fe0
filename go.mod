module firstcome

go 1.26.0
