# ---- the engine, needs: what a server cannot be without; the same in every script ---------------
# With the default outbound action Block, a server that may not ask its name servers and domain
# controllers is lost to its administrators, and asks for no new Group Policy. A need is what one
# program of Windows, or one service in it, asks of one address; an address is '' if none was found.

$nameNeed = 'UDP 53 system32\svchost.exe dnscache'

function ConvertTo-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        # Protocol, port, program and service.
        [Parameter(Mandatory = $true)]
        [string] $Text,

        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Address,

        [Parameter(Mandatory = $true)]
        [string] $For
    )
    $protocol, $port, $program, $service = $Text -split ' '
    @{
        Protocol = $protocol; Port = [int] $port; Program = $program; Service = "$service"
        Address = $Address; For = $For; LocalPort = 0; Keyword = 'Any'; AnyOf = $false
    }
}

function Get-ControllerNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Address,

        # Whether one of them is enough.
        [Parameter()]
        [switch] $AnyOf
    )
    if ($Address.Count -eq 0) {
        $text = 'the domain controllers (none was found)'
        ConvertTo-Need -Text 'TCP 0 System' -Address '' -For $text
    }
    # The local security authority logs on and finds a controller, Group Policy asks for its
    # objects, and the file system in the kernel fetches them.
    $asked = @(
        'TCP 88 system32\lsass.exe', 'TCP 389 system32\lsass.exe'
        'TCP 389 system32\svchost.exe gpsvc', 'UDP 389 system32\lsass.exe'
        'TCP 135 system32\lsass.exe', 'TCP 135 system32\svchost.exe gpsvc', 'TCP 445 System'
    )
    foreach ($item in @($Address | Sort-Object -Unique)) {
        foreach ($text in $asked) {
            $need = ConvertTo-Need -Text $text -Address $item -For 'domain controller'
            $need['AnyOf'] = [bool] $AnyOf
            $need
        }
    }
}

function Get-PolicyNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # Of a server that a Group Policy object is for, whichever it is: some name server, and one of
    # the domain controllers, whose addresses are those of the domain's name.
    $need = ConvertTo-Need -Text $nameNeed -Address 'any address' -For 'a name server at'
    $need['Keyword'] = 'DNS'
    $need
    $known = @()
    try {
        $known = @([System.Net.Dns]::GetHostAddresses(($Store -split '\\')[0]))
    }
    catch {
        Write-Warning -Message ('The addresses of the domain were not found: {0}' -f $_)
    }
    Get-ControllerNeed -Address @($known | ForEach-Object { "$_" -replace '%.*$', '' }) -AnyOf
}

function Get-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # Of this server. Windows' class of cards lists name servers of IPv4 alone.
    $servers = @(
        foreach ($card in @(Get-DnsClientServerAddress -ErrorAction Stop)) {
            # Where nobody has set any, a card of IPv6 shows three that nobody has.
            $card.ServerAddresses | Where-Object { "$_" -notmatch '^$|^fec0:0:0:ffff::' }
        }
    )
    if ($servers.Count -eq 0) {
        $text = 'the name servers (none was found)'
        ConvertTo-Need -Text 'TCP 0 System' -Address '' -For $text
    }
    foreach ($server in @($servers | Select-Object -Unique)) {
        if ($server -notmatch '^127\.|^::1$') {
            $need = ConvertTo-Need -Text $nameNeed -Address $server -For 'name server'
            $need['Keyword'] = 'DNS'
            $need
        }
    }
    $filter = 'IPEnabled = TRUE'
    $class = 'Win32_NetworkAdapterConfiguration'
    $cards = @(Get-CimInstance -ClassName $class -Filter $filter -ErrorAction Stop)
    foreach ($card in $cards) {
        $server = "$(Get-PropertyValue -InputObject $card -Name 'DHCPServer')"
        $usesDhcp = "$(Get-PropertyValue -InputObject $card -Name 'DHCPEnabled')" -eq 'True'
        if ($usesDhcp -and $server -ne '') {
            # A lease is renewed by its server; after a start anybody is asked, from no address yet.
            $text = 'UDP 67 system32\svchost.exe dhcp'
            $need = ConvertTo-Need -Text $text -Address $server -For 'DHCP server'
            $need['LocalPort'] = 68
            $need['Keyword'] = 'DHCP'
            $need
            $need = ConvertTo-Need -Text $text -Address '255.255.255.255' -For 'DHCP servers by'
            $need['LocalPort'] = 68
            $need['Source'] = @('0.0.0.0')
            $need
        }
    }
    $computer = Get-CimInstance -ClassName 'Win32_ComputerSystem' -ErrorAction Stop
    if ("$(Get-PropertyValue -InputObject $computer -Name 'PartOfDomain')" -ne 'True') {
        return
    }
    $controllers = @(
        foreach ($item in @(Get-CimInstance -ClassName 'Win32_NTDomain' -ErrorAction Stop)) {
            $text = "$(Get-PropertyValue -InputObject $item -Name 'DomainControllerAddress')"
            if ($text -ne '') {
                $text.TrimStart('\')
            }
        }
    )
    Get-ControllerNeed -Address $controllers
}

function Get-SourceAddress {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Address
    )
    # The address of this server from which it asks that one; nothing if there is no way there.
    try {
        $found = @(Find-NetRoute -RemoteIPAddress $Address -ErrorAction Stop)
    }
    catch {
        return
    }
    foreach ($item in $found) {
        $text = "$(Get-PropertyValue -InputObject $item -Name 'IPAddress')" -replace '%.*$', ''
        if ($text -ne '') {
            $text
        }
    }
}
