# ---- the engine, first half: comparing this server with the table; the same in every script ----
# Cmdlets of NetSecurity are functions of another module, which do not see $ErrorActionPreference
# of this script: each call says -ErrorAction Stop itself, or a failure would pass unnoticed.

function Get-PropertyValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [object] $InputObject,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    # Strict mode makes a missing property an error; older servers lack some.
    if ($null -ne $InputObject -and $null -ne $InputObject.PSObject.Properties[$Name]) {
        $InputObject.$Name
    }
}

function ConvertTo-AddressSpan {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Address
    )
    # Windows gives 10.0.0.0/24 back as 10.0.0.0/255.255.255.0 and may give a single address back as
    # a range, so lists are compared by first and last address in hexadecimal.
    $ends = @($Address.Trim() -split '-')
    $pair = @($ends[0] -split '/')
    $parsed = $null
    if (-not [System.Net.IPAddress]::TryParse($pair[0], [ref] $parsed)) {
        return $Address.Trim().ToLowerInvariant()
    }
    $first = $parsed.GetAddressBytes()
    $last = $parsed.GetAddressBytes()
    if ($ends.Count -eq 2) {
        $last = [System.Net.IPAddress]::Parse($ends[1]).GetAddressBytes()
    }
    elseif ($pair.Count -eq 2) {
        $mask = New-Object -TypeName 'byte[]' -ArgumentList $first.Length
        if ($pair[1] -match '[.:]') {
            $mask = [System.Net.IPAddress]::Parse($pair[1]).GetAddressBytes()
        }
        else {
            for ($i = 0; $i -lt $mask.Length; $i++) {
                $bits = [System.Math]::Max(0, [System.Math]::Min(8, [int] $pair[1] - 8 * $i))
                $mask[$i] = (255 -shl (8 - $bits)) -band 255
            }
        }
        for ($i = 0; $i -lt $mask.Length; $i++) {
            $first[$i] = $first[$i] -band $mask[$i]
            $last[$i] = $first[$i] -bor (255 -bxor $mask[$i])
        }
    }
    $texts = foreach ($bytes in @($first, $last)) {
        [System.BitConverter]::ToString($bytes).Replace('-', '')
    }
    $texts -join '-'
}

function ConvertTo-ListText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Value,

        [Parameter()]
        [switch] $IsAddress
    )
    $texts = @(
        foreach ($item in $Value) {
            if ($IsAddress) {
                ConvertTo-AddressSpan -Address "$item"
            }
            else {
                # '8' may come back as '8:*', a GUID with or without its braces.
                "$item".Trim([char[]] ' {}').ToLowerInvariant() -replace ':(\*|256)$', ''
            }
        }
    )
    if ($texts.Count -eq 0) {
        return 'any'
    }
    @($texts | Sort-Object -Unique) -join ' '
}

function ConvertTo-ProfileText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Value
    )
    $text = ConvertTo-ListText -Value ($Value -split ',')
    if ($text -eq 'domain private public') {
        return 'any'
    }
    $text
}

function ConvertTo-ProtocolText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Value
    )
    switch ($Value) {
        '1' { 'icmpv4' }
        '6' { 'tcp' }
        '17' { 'udp' }
        '58' { 'icmpv6' }
        default { $Value.ToLowerInvariant() }
    }
}

function Get-WantedAspect {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [string] $ProfileName
    )
    @{
        Direction     = $Rule['Direction'].ToLowerInvariant()
        Action        = $Rule['Action'].ToLowerInvariant()
        Profile       = ConvertTo-ProfileText -Value $ProfileName
        Protocol      = ConvertTo-ProtocolText -Value $Rule['Protocol']
        LocalPort     = ConvertTo-ListText -Value $Rule['LocalPort']
        RemotePort    = ConvertTo-ListText -Value $Rule['RemotePort']
        IcmpType      = ConvertTo-ListText -Value $Rule['IcmpType']
        LocalAddress  = ConvertTo-ListText -Value $Rule['LocalAddress'] -IsAddress
        RemoteAddress = ConvertTo-ListText -Value $Rule['RemoteAddress'] -IsAddress
        RemoteName    = ConvertTo-ListText -Value $Rule['RemoteDynamicKeywordAddresses']
        Program       = 'any'
        Service       = 'any'
        InterfaceType = 'any'
    }
}

function Get-FilterIndex {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # One call per kind of filter: a call per rule takes minutes on a server with many rules.
    $common = @{ PolicyStore = $Store; ErrorAction = 'Stop' }
    $index = @{ Address = @{}; Port = @{}; Program = @{}; Service = @{}; InterfaceType = @{} }
    Get-NetFirewallAddressFilter @common | ForEach-Object { $index['Address'][$_.InstanceID] = $_ }
    Get-NetFirewallPortFilter @common | ForEach-Object { $index['Port'][$_.InstanceID] = $_ }
    Get-NetFirewallApplicationFilter @common |
        ForEach-Object { $index['Program'][$_.InstanceID] = $_.Program }
    Get-NetFirewallServiceFilter @common |
        ForEach-Object { $index['Service'][$_.InstanceID] = $_.Service }
    Get-NetFirewallInterfaceTypeFilter @common |
        ForEach-Object { $index['InterfaceType'][$_.InstanceID] = $_.InterfaceType }
    $index
}

function Get-LiveAspect {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [object] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Index
    )
    $id = $Rule.InstanceID
    $address = $Index['Address'][$id]
    $port = $Index['Port'][$id]
    $protocol = Get-PropertyValue -InputObject $port -Name 'Protocol'
    $protocol = ConvertTo-ProtocolText -Value "$protocol"
    $aspect = @{
        Direction  = "$($Rule.Direction)".ToLowerInvariant()
        Action     = "$($Rule.Action)".ToLowerInvariant()
        Profile    = ConvertTo-ProfileText -Value "$($Rule.Profile)"
        Protocol   = $protocol
        LocalPort  = 'any'
        RemotePort = 'any'
        IcmpType   = 'any'
        RemoteName = ConvertTo-ListText -Value @(
            Get-PropertyValue -InputObject $Rule -Name 'RemoteDynamicKeywordAddresses'
        )
    }
    $meaningful = switch ($protocol) {
        'tcp' { 'LocalPort', 'RemotePort' }
        'udp' { 'LocalPort', 'RemotePort' }
        'icmpv4' { 'IcmpType' }
        'icmpv6' { 'IcmpType' }
    }
    foreach ($name in @($meaningful)) {
        if ($null -ne $name) {
            $value = @(Get-PropertyValue -InputObject $port -Name $name)
            $aspect[$name] = ConvertTo-ListText -Value $value
        }
    }
    foreach ($name in @('LocalAddress', 'RemoteAddress')) {
        $value = @(Get-PropertyValue -InputObject $address -Name $name)
        $aspect[$name] = ConvertTo-ListText -Value $value -IsAddress
    }
    foreach ($name in @('Program', 'Service', 'InterfaceType')) {
        $aspect[$name] = "$($Index[$name][$id])".ToLowerInvariant() -replace '^$', 'any'
    }
    $aspect
}

function Get-OwnRule {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # Not -Group: that parameter takes wildcards and reports "not found" as an error. The name is
    # asked for too: rules that somebody else put into the group are not ours.
    $prefix = $Policy['NamePrefix']
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    $own = @{}
    Get-NetFirewallRule -PolicyStore $Store -ErrorAction Stop |
        Where-Object { $_.Group -eq $Policy['Group'] } |
        Where-Object { $_.Name.StartsWith($prefix, $ignoreCase) } |
        ForEach-Object { $own[$_.Name] = $_ }
    $own
}

function Get-Finding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [hashtable] $Present,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    $index = @{}
    if ($Present.Count -gt 0) {
        $index = Get-FilterIndex -Store $Store
    }
    $wantedNames = @{}
    foreach ($item in $Rule) {
        $name = $item['Name']
        $wantedNames[$name] = $true
        if (-not $Present.ContainsKey($name)) {
            [pscustomobject] @{ Name = $name; Finding = 'Missing'; Rule = $item }
            continue
        }
        $wanted = Get-WantedAspect -Rule $item -ProfileName $Policy['Profile']
        $live = Get-LiveAspect -Rule $Present[$name] -Index $index
        $different = @($wanted.Keys | Where-Object { $wanted[$_] -ne $live[$_] } | Sort-Object)
        if ($different.Count -gt 0) {
            $finding = 'Changed: {0}' -f ($different -join ', ')
            $address = $index['Address'][$Present[$name].InstanceID]
            $former = @(Get-PropertyValue -InputObject $address -Name 'RemoteAddress')
            [pscustomobject] @{ Name = $name; Finding = $finding; Rule = $item; Former = $former }
        }
        elseif ("$($Present[$name].Enabled)" -ne 'True') {
            [pscustomobject] @{ Name = $name; Finding = 'Disabled'; Rule = $item }
        }
    }
    foreach ($name in @($Present.Keys | Sort-Object)) {
        if (-not $wantedNames.ContainsKey($name)) {
            [pscustomobject] @{ Name = $name; Finding = 'Stale'; Rule = $null }
        }
    }
}

function Get-MissingKeyword {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Keyword
    )
    if ($Keyword.Count -eq 0) {
        return
    }
    $command = 'New-NetFirewallDynamicKeywordAddress'
    if ($null -eq (Get-Command -Name $command -ErrorAction SilentlyContinue)) {
        throw 'The rules match host names, which needs Windows Server 2022 or Azure Stack HCI 21H2.'
    }
    # When there are none the cmdlet reports an error; a real one shows as soon as one is created.
    $present = @{}
    Get-NetFirewallDynamicKeywordAddress -AllAutoResolve -ErrorAction SilentlyContinue |
        ForEach-Object { $present["$($_.Id)".Trim([char[]] '{}')] = $true }
    $Keyword | Where-Object { -not $present.ContainsKey($_['Id'].Trim([char[]] '{}')) }
}

function Get-KeywordId {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    foreach ($item in $Rule) {
        $ids = @(Get-PropertyValue -InputObject $item -Name 'RemoteDynamicKeywordAddresses')
        foreach ($id in $ids) {
            if ("$id" -ne '') {
                "$id"
            }
        }
    }
}

