"""The shell of HTTP; knows no room: requests into structs, answers in HTML or JSON, French or English."""
